#include "builder/packing.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/temporary.h"
#include "base/workers.h"
#include "builder/read_back.h"
#include "builder/target.h"

static int sign(const struct plan *plan, struct buffer *module, struct packed_module *packed,
                struct error *err) {
    if (!plan->key)
        return 0;
    int rc = signature_append(module, plan->key, plan->headers.signature_hash, err);
    return rc ? rc : signature_read(module->data, module->size, &packed->signature, err);
}

struct packing {
    const struct plan *plan;
    struct packed_set *set;
    struct module_file *files; /* what is packed as set->modules[i] */
};

static void packing_release(struct packing *packing) {
    for (size_t i = 0; packing->files && i < packing->set->count; i++)
        module_file_release(&packing->files[i]);
    free(packing->files);
}

static int read_and_sign(const struct plan *plan, const struct bundle *bundle, const char *dest,
                         struct module_file *file, struct packed_module *packed,
                         struct error *err) {
    AUTO_FREE char *path = bundle_module_path(bundle, dest);
    if (!path ||
        asprintf(&packed->file_name, "%s.ko%s", dest, compression_suffix(plan->compression)) < 0) {
        packed->file_name = NULL;
        return error_oom(err, "packing modules");
    }
    int rc = module_file_read(path, file, err);
    if (!rc)
        rc = module_facts_read(file, &packed->facts, err);
    if (!rc)
        rc = sign(plan, &file->content, packed, err);
    return rc ? error_wrap(err, rc, "%s", packed->file_name) : 0;
}

/* One of the pieces that are done at once; the content is gone when it has been packed. */
static int pack(void *context, size_t index, struct error *err) {
    const struct packing *packing = context;
    struct packed_module *packed = &packing->set->modules[index];
    struct module_file *file = &packing->files[index];
    int rc = compression_pack(packing->plan->compression, file->content.data, file->content.size,
                              &packed->content, err);
    if (rc)
        return error_wrap(err, rc, "%s", packed->file_name);
    rc = read_back_check(packed->file_name, &packed->content, &file->content, packed->facts.name,
                         err);
    module_file_release(file);
    return rc;
}

/*
 * Signing goes one by one: a token that is given a wrong PIN several times at once locks itself.
 * Compressing takes long and is shared out; the bytes are the same whoever does it.
 */
static int pack_all(const struct plan *plan, const struct bundle *bundle, struct packed_set *set,
                    struct error *err) {
    size_t count = plan->conf.module_count;
    AUTO(packing_release) struct packing packing = {.plan = plan, .set = set};
    packing.files = calloc(count, sizeof *packing.files);
    set->modules = calloc(count, sizeof *set->modules);
    if (!packing.files || !set->modules)
        return error_oom(err, "packing modules");
    for (size_t i = 0; i < count; i++) {
        set->count++;
        int rc = read_and_sign(plan, bundle, plan->conf.modules[i].dest_name, &packing.files[i],
                               &set->modules[i], err);
        if (rc)
            return rc;
    }
    return workers_run(count, plan->options->jobs, pack, &packing, err);
}

/* The bytes that will be placed, judged as the set they are loaded as. */
static int verify_packed(const struct plan *plan, const struct packed_set *set, struct error *err) {
    AUTO_TEMPORARY struct temporary folder = {0};
    AUTO_STRLIST struct strlist paths = {0};
    int rc = temporary_make(NULL, &folder, err);
    for (size_t i = 0; !rc && i < set->count; i++) {
        const struct packed_module *module = &set->modules[i];
        if (strlist_addf(&paths, "%s/%s", folder.path, module->file_name))
            return error_oom(err, "verifying modules");
        rc = read_back_write(paths.items[i], &module->content, err);
    }
    const char *certificate = plan->options->sign_key ? plan->options->sign_cert : NULL;
    return rc ? rc : target_verify_paths(&plan->headers, certificate, &paths, err);
}

int packing_run(const struct plan *plan, const struct bundle *bundle, struct packed_set *set,
                struct error *err) {
    *set = (struct packed_set){0};
    log_step("%s and packing modules (%s)", plan->key ? "signing" : "leaving unsigned",
             compression_name(plan->compression));
    int rc = pack_all(plan, bundle, set, err);
    return rc ? rc : verify_packed(plan, set, err);
}

void packed_set_release(struct packed_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        free(set->modules[i].file_name);
        buffer_release(&set->modules[i].content);
        module_facts_release(&set->modules[i].facts);
        signature_info_release(&set->modules[i].signature);
    }
    free(set->modules);
    *set = (struct packed_set){0};
}
