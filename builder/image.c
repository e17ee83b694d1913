#include "builder/image.h"

#include <string.h>

#include "base/file.h"
#include "builder/userspace_libraries.h"
#include "builder/userspace_placing.h"

#define LOG_MAX (256UL << 20)

static int add_copy(const struct plan *plan, struct bake *bake, const char *folder,
                    const char *name, const void *data, size_t size, struct error *err) {
    AUTO_FREE char *path = NULL;
    AUTO_BUFFER struct buffer content = {0};
    if (asprintf(&path, "%s/%s", folder, name) < 0 || buffer_append(&content, data, size))
        return error_oom(err, "preparing what to place");
    return placing_add_file(&bake->placing, plan->root, path, &content, 0644, err);
}

static int add_modules(const struct plan *plan, const struct packed_set *set, struct bake *bake,
                       struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < set->count; i++)
        rc = add_copy(plan, bake, plan->module_dirs.items[i], set->modules[i].file_name,
                      set->modules[i].content.data, set->modules[i].content.size, err);
    return rc;
}

static int add_log(const struct plan *plan, const struct bundle *bundle, struct bake *bake,
                   struct error *err) {
    AUTO_FREE char *log = NULL;
    AUTO_BUFFER struct buffer content = {0};
    if (asprintf(&log, "%s/make.log", bundle->path) < 0)
        return error_oom(err, "preparing what to place");
    int rc = file_read_path(log, LOG_MAX, &content, err);
    return rc ? rc
              : add_copy(plan, bake, plan->dkms.log_dir, "make.log", buffer_string(&content),
                         content.size, err);
}

/* The root's own: it may stand behind a link, as to /boot. */
static int add_config(const struct plan *plan, struct bake *bake, struct error *err) {
    AUTO_FREE char *config = NULL;
    AUTO_BUFFER struct buffer content = {0};
    struct stat st;
    if (asprintf(&config, "%s/.config", plan->headers.build_dir) < 0)
        return error_oom(err, "preparing what to place");
    if (root_stat_following(plan->root, config, &st))
        return 0;
    int rc = file_read_following(plan->root, config, LOG_MAX, &content, err);
    return rc ? rc
              : add_copy(plan, bake, plan->dkms.log_dir, ".config", buffer_string(&content),
                         content.size, err);
}

/* dkms keeps the log of the build and the kernel's configuration. */
static int add_logs(const struct plan *plan, const struct bundle *bundle, struct bake *bake,
                    struct error *err) {
    int rc = add_log(plan, bundle, bake, err);
    return rc ? rc : add_config(plan, bake, err);
}

static int add_built(const struct plan *plan, const struct packed_set *set, struct bake *bake,
                     struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < set->count; i++)
        rc = add_copy(plan, bake, plan->dkms.built_dir, set->modules[i].file_name,
                      set->modules[i].content.data, set->modules[i].content.size, err);
    return rc;
}

static int add_registration(const struct plan *plan, struct bake *bake, struct error *err) {
    const struct dkms_paths *dkms = &plan->dkms;
    int rc = 0;
    if (!plan->dkms_added)
        rc = placing_add_link(&bake->placing, plan->root, dkms->source_link, dkms->source_dir, err);
    if (!rc)
        rc = placing_add_link(&bake->placing, plan->root, dkms->kernel_link, dkms->kernel_target,
                              err);
    return rc;
}

static char *text(const char *string) {
    return strdup(string ? string : "");
}

static int fill_module(const struct plan *plan, const char *folder,
                       const struct packed_module *packed, struct facts_module *module,
                       struct error *err) {
    AUTO_FREE char *joined = NULL;
    if (asprintf(&joined, "%s/%s", folder, packed->file_name) < 0)
        return error_oom(err, "preparing what to place");
    int rc = root_resolve_place(plan->root, joined, &module->path, NULL, err);
    if (rc)
        return rc;
    module->name = text(packed->facts.name);
    module->build_id = text(packed->facts.build_id);
    module->srcversion = text(packed->facts.srcversion);
    module->signer = text(packed->signature.signer);
    module->key_id = text(packed->signature.key_id);
    return module->name && module->build_id && module->srcversion && module->signer &&
                   module->key_id
               ? 0
               : error_oom(err, "preparing what to place");
}

static int fill_modules(const struct plan *plan, const struct packed_set *set, struct facts *facts,
                        struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < set->count; i++) {
        struct facts_module *module = facts_add_module(facts);
        if (!module)
            return error_oom(err, "preparing what to place");
        rc = fill_module(plan, plan->module_dirs.items[i], &set->modules[i], module, err);
        if (!rc && supported_gpus_add(&plan->gpus, &set->modules[i].facts, &facts->pci_aliases))
            rc = error_oom(err, "preparing what to place");
    }
    return rc;
}

static int fill_facts(const struct plan *plan, struct facts *facts) {
    char symvers[DIGEST_HEX_SIZE];
    if (digest_bytes(plan->headers.symvers.data, plan->headers.symvers.size, symvers))
        return -ENOMEM;
    facts->kernel = text(plan->headers.release);
    facts->machine = text(plan->headers.machine);
    facts->driver_kind = text(plan->options->driver_kind);
    facts->module = text(plan->conf.name);
    facts->driver_version = text(plan->conf.version);
    facts->bundle = text(plan->bundle_id);
    facts->layout = text(FACTS_ACTIVE);
    facts->compression = text(compression_name(plan->compression));
    facts->symvers_sha256 = text(symvers);
    facts->compat_marker = text(plan->compat_marker);
    facts->userspace = text(plan->userspace_digest);
    facts->supported_gpus = text(plan->gpus.digest);
    facts->dkms.name = text(plan->conf.name);
    facts->dkms.version = text(plan->conf.version);
    facts->dkms.machine = text(plan->headers.machine);
    if (!facts->kernel || !facts->machine || !facts->driver_kind || !facts->module ||
        !facts->driver_version || !facts->bundle || !facts->layout || !facts->compression ||
        !facts->symvers_sha256 || !facts->compat_marker || !facts->userspace ||
        !facts->supported_gpus || !facts->dkms.name || !facts->dkms.version ||
        !facts->dkms.machine || strlist_add(&facts->dkms.kernels, plan->headers.release))
        return -ENOMEM;
    return 0;
}

/* The last thing to be placed, when modprobe finds the modules. */
static int add_compat_marker(const struct plan *plan, struct bake *bake, struct error *err) {
    const struct facts *facts = &bake->facts;
    const struct marker marker = {.kernel = facts->kernel,
                                  .driver_version = facts->driver_version,
                                  .driver_kind = facts->driver_kind,
                                  .arch = facts->machine};
    AUTO_BUFFER struct buffer content = {0};
    if (!plan->compat_marker)
        return 0;
    int rc = marker_format_compat(&marker, &content, err);
    if (!rc)
        rc = placing_add_file(&bake->placing, plan->root, plan->compat_marker, &content, 0644, err);
    if (!rc)
        placing_hold(&bake->placing);
    return rc;
}

int image_prepare(const struct plan *plan, const struct bundle *bundle,
                  const struct packed_set *modules, struct bake *bake, struct error *err) {
    *bake = (struct bake){.check = userspace_libraries_check};
    if (strlist_add(&bake->kernels, plan->headers.release) || fill_facts(plan, &bake->facts))
        return error_oom(err, "preparing what to place");
    int rc = fill_modules(plan, modules, &bake->facts, err);
    if (!rc)
        rc = add_modules(plan, modules, bake, err);
    if (!rc && !plan->source_in_place)
        rc = placing_add_tree(&bake->placing, plan->root, plan->dkms.source_dir, plan->source.path,
                              err);
    if (!rc)
        rc = userspace_placing_add(&plan->userspace, plan->root, &bake->placing, err);
    if (!rc)
        rc = add_logs(plan, bundle, bake, err);
    if (!rc)
        rc = add_built(plan, modules, bake, err);
    if (!rc)
        rc = add_registration(plan, bake, err);
    if (!rc)
        rc = add_compat_marker(plan, bake, err);
    return rc ? rc : placing_check_twice(&bake->placing, err);
}
