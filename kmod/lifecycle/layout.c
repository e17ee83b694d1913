#include "kmod/lifecycle/layout.h"

#include <string.h>

#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/ownership.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/registration.h"
#include "kmod/lifecycle/target_match.h"
#include "kmod/module/module_facts.h"
#include "kmod/module/signature.h"

#define BAKE_AGAIN "run 'prebake-node teardown' and bake again"

static int check_kernel(const struct root *root, const struct facts *facts, struct error *err) {
    if (target_match_has_kernel(root, facts->kernel))
        return 0;
    return error_set(err, ERROR_DAMAGED, ENOENT,
                     "the bake is for a kernel that this image no longer has (there is no %s in "
                     "%s/lib/modules): run 'prebake-node teardown' and bake for the one it has",
                     facts->kernel, root->path);
}

/* Contents, whatever inode and ctime say. */
static int check_contents(const struct root *root, const struct manifest *manifest,
                          const struct facts *facts, struct error *err) {
    static const struct ownership_context by_content = {.copied = true};
    AUTO_MANIFEST struct manifest parked = {0};
    bool in_store = parked_store_is_home(facts);
    int rc = in_store ? parked_store_manifest(manifest, &parked, err) : 0;
    return rc ? rc
              : ownership_check_all(root, &by_content, in_store ? &parked : manifest, facts, err);
}

static int compare(const struct root *root, const struct facts_module *module, const char *what,
                   const char *known, const char *found, struct error *err) {
    if (!strcmp(known, found ? found : ""))
        return 0;
    return error_set(
        err, ERROR_DAMAGED, EBADMSG,
        "%s%s has another %s (\"%.100s\") than the bake noted (\"%.100s\"); " BAKE_AGAIN,
        root->path, module->path, what, found ? found : "", known);
}

static int check_signature(const struct root *root, const struct facts_module *module,
                           const struct module_file *file, struct error *err) {
    AUTO_SIGNATURE_INFO struct signature_info signature = {0};
    int rc = signature_read(file->content.data, file->content.size, &signature, err);
    if (rc && rc != -ENOENT)
        return rc;
    rc = compare(root, module, "signer", module->signer, signature.signer, err);
    return rc ? rc : compare(root, module, "signing key", module->key_id, signature.key_id, err);
}

/* vermagic begins with the release: "6.1.0-47-cloud-amd64 SMP preempt mod_unload modversions " */
static int check_vermagic(const struct root *root, const struct facts *facts,
                          const struct facts_module *module, const char *vermagic,
                          struct error *err) {
    AUTO_FREE char *release = strndup(vermagic, strcspn(vermagic, " "));
    return release ? compare(root, module, "kernel in its vermagic", facts->kernel, release, err)
                   : error_oom(err, "checking a module");
}

static int check_module(const struct root *root, const struct facts *facts,
                        const struct facts_module *module, struct error *err) {
    AUTO_FREE char *path = parked_store_module_path(facts, module);
    if (!path)
        return error_oom(err, "checking a module");
    AUTO_MODULE_FILE struct module_file file = {0};
    AUTO_MODULE_FACTS struct module_facts said = {0};
    AUTO_CLOSE int fd = -1;
    int rc = root_open_file(root, path, &fd, err);
    if (!rc)
        rc = module_file_read_fd(fd, path, &file, err);
    if (!rc)
        rc = module_facts_read(&file, &said, err);
    if (!rc)
        rc = compare(root, module, "name", module->name, said.name, err);
    if (!rc)
        rc = compare(root, module, "build id", module->build_id, said.build_id, err);
    if (!rc)
        rc = compare(root, module, "srcversion", module->srcversion, said.srcversion, err);
    if (!rc)
        rc = check_vermagic(root, facts, module, said.vermagic, err);
    return rc ? rc : check_signature(root, module, &file, err);
}

static int check_registration(const struct root *root, const struct facts *facts,
                              struct error *err) {
    if (!*facts->dkms.name || parked_store_is_home(facts) || registration_present(root, facts))
        return 0;
    return error_set(err, ERROR_DAMAGED, ENOENT,
                     "DKMS in %s/ no longer has %s %s built for %s: was it removed with dkms? "
                     "%s",
                     root->path, facts->dkms.name, facts->dkms.version, facts->kernel, BAKE_AGAIN);
}

int layout_check(const struct root *root, const struct manifest *manifest,
                 const struct facts *facts, struct error *err) {
    int rc = check_kernel(root, facts, err);
    if (!rc)
        rc = check_registration(root, facts, err);
    if (!rc)
        rc = bake_check_paths(root, manifest, facts, err);
    if (!rc)
        rc = check_contents(root, manifest, facts, err);
    for (size_t i = 0; !rc && i < facts->module_count; i++)
        rc = check_module(root, facts, &facts->modules[i], err);
    return rc;
}
