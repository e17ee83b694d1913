#include "kmod/lifecycle/bake_initramfs.h"

#include <string.h>

#include "kmod/lifecycle/derived_modules.h"
#include "kmod/lifecycle/facts_fields.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/system/module_name.h"

static const char looking[] = "looking into initramfs images";

/* While a bake is parked, whatever is in one of its places is somebody else's. */
static bool is_theirs(const struct removal *removal, const struct facts *facts, const char *path) {
    if (parked_store_is_home(facts))
        return root_exists(removal->root, path);
    const struct manifest_entry *entry = manifest_find(removal->manifest, path);
    enum ownership ownership = OWNERSHIP_OURS;
    struct error ignored = {0};
    return entry && removal_ownership(removal, entry, &ownership, &ignored) == 0 &&
           ownership == OWNERSHIP_FOREIGN;
}

/* Whether the module is there, however it is packed. `stem` is a path inside the root. */
static bool is_there(const struct root *root, const char *stem) {
    static const char *const suffixes[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, "%s%s", stem, suffixes[i]) < 0 || root_exists(root, path))
            return true;
    }
    return false;
}

/* "/usr/lib/modules/K/updates/dkms/nvidia.ko" → "/updates/dkms/nvidia.ko"; NULL for another path.
 */
static const char *below_kernel(const char *path) {
    static const char modules[] = "/lib/modules/";
    const char *at = strstr(path, modules);
    return at ? strchr(at + strlen(modules), '/') : NULL;
}

int bake_initramfs_want_gone(const struct root *root, const char *kernel, const char *place,
                             struct initramfs_wanted *wanted, struct error *err) {
    AUTO_FREE char *path = NULL, *stem = NULL;
    if (asprintf(&path, "/lib/modules/%s%s", kernel, place) < 0 ||
        !(stem = strndup(path, module_name_stem(path))))
        return error_oom(err, looking);
    return is_there(root, stem) ? 0 : initramfs_want(wanted, path, "", err);
}

static int want_module(const struct removal *removal, const struct facts *facts,
                       const struct facts_module *module, const struct strlist *kernels,
                       struct initramfs_wanted *wanted, struct error *err) {
    const char *place = below_kernel(module->path);
    int rc = initramfs_want(wanted, is_theirs(removal, facts, module->path) ? "" : module->path,
                            module->build_id, err);
    for (size_t i = 0; !rc && place && i < kernels->count; i++)
        rc = bake_initramfs_want_gone(removal->root, kernels->items[i], place, wanted, err);
    return rc;
}

int bake_initramfs_want(const struct removal *removal, const struct facts *facts,
                        const struct derived *derived, struct initramfs_wanted *wanted,
                        struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0}, paths = {0};
    int rc = root_list(removal->root, "/lib/modules", &kernels, err);
    if (!rc && derived)
        rc = derived_modules_list(derived, NULL, &paths, err);
    for (size_t i = 0; !rc && i < paths.count; i++)
        rc = initramfs_want(wanted, paths.items[i], "", err);
    for (size_t i = 0; !rc && i < facts->module_count; i++)
        rc = want_module(removal, facts, &facts->modules[i], &kernels, wanted, err);
    return rc;
}

static int are_all_recorded(const struct root *root, const struct initramfs_files *recorded,
                            const struct initramfs_files *files, bool *all, struct error *err) {
    int rc = 0;
    *all = true;
    for (size_t i = 0; !rc && *all && i < files->count; i++)
        rc = initramfs_files_is_recorded(root, recorded, &files->items[i], all, err);
    return rc;
}

/* As a rule nothing is new, and then there is nothing to look for. */
int bake_initramfs_check(const struct removal *removal, const struct facts *facts,
                         const struct derived *derived, struct error *err) {
    AUTO_INITRAMFS_FILES struct initramfs_files files = {0};
    AUTO_INITRAMFS_WANTED struct initramfs_wanted wanted = {0};
    bool all = false;
    int rc = initramfs_files_find(removal->root, &files, err);
    if (!rc)
        rc = are_all_recorded(removal->root, &facts->initramfs, &files, &all, err);
    if (rc || all)
        return rc;
    rc = bake_initramfs_want(removal, facts, derived, &wanted, err);
    return rc ? rc : initramfs_check(removal->root, &wanted, &facts->initramfs, &files, err);
}

/* A name that the facts can't hold is of an image that every teardown reads. */
static bool can_be_recorded(const char *path) {
    for (const char *at = path; *at; at++)
        if (*at < ' ' || *at > '~')
            return false;
    return facts_fields_fit(FACTS_TEXT_PATH, path);
}

static void keep_recordable(struct initramfs_files *files) {
    size_t kept = 0;
    for (size_t i = 0; i < files->count; i++)
        if (kept < FACTS_INITRAMFS_MAX && can_be_recorded(files->items[i].path)) {
            struct initramfs_file moved = files->items[i];
            files->items[i] = files->items[kept];
            files->items[kept++] = moved;
        }
    for (size_t i = kept; i < files->count; i++)
        free(files->items[i].path);
    files->count = kept;
}

int bake_initramfs_record(const struct root *root, const struct initramfs_wanted *wanted,
                          struct facts *facts, unsigned *count, bool *changed, struct error *err) {
    static const struct initramfs_files none = {0};
    AUTO_INITRAMFS_FILES struct initramfs_files files = {0};
    int rc = initramfs_files_find(root, &files, err);
    *count = (unsigned)files.count;
    if (!rc)
        rc = initramfs_check(root, wanted, &none, &files, err);
    if (rc)
        return rc;
    keep_recordable(&files);
    rc = initramfs_files_digest(root, &facts->initramfs, &files, changed, err);
    if (rc || !*changed)
        return rc;
    struct initramfs_files replaced = facts->initramfs;
    facts->initramfs = files;
    files = replaced;
    return 0;
}
