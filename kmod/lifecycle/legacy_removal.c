#include "kmod/lifecycle/legacy_removal.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/legacy_modules.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/dkms_removal.h"
#include "kmod/system/index_refresh.h"
#include "kmod/system/loader_cache.h"
#include "kmod/system/module_folder.h"

static struct dkms_removal registration(const struct root *root, const char *version) {
    return (struct dkms_removal){.root = root, .name = LEGACY_DKMS_NAME, .version = version};
}

static int remove_installed(const struct root *root, const char *version,
                            const struct legacy_bake *bake, struct strlist *refresh,
                            struct error *err) {
    if (!bake->registered)
        return 0;
    AUTO_DKMS_REMOVAL struct dkms_removal removal = registration(root, version);
    int rc = dkms_removal_open(&removal, err);
    return rc ? rc : dkms_removal_files(&removal, refresh, err);
}

/* Also after a kill between the files and their folder. */
static int prune_folder(const struct root *root, const char *kernel, struct error *err) {
    AUTO_FREE char *folder = NULL;
    struct stat st;
    if (asprintf(&folder, "/lib/modules/%s/updates/dkms", kernel) < 0)
        return error_oom(err, "removing modules");
    if (root_stat(root, folder, &st) == 0 && !S_ISDIR(st.st_mode))
        return 0;
    return module_folder_prune(root, folder, err);
}

static int remove_modules(const struct root *root, const struct legacy_bake *bake,
                          struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < bake->paths.count; i++)
        if (bake->paths.items[i].class == LEGACY_MODULE && bake->paths.items[i].ours)
            rc = file_remove(root, bake->paths.items[i].path, err);
    for (size_t i = 0; !rc && i < bake->kernels.count; i++)
        rc = prune_folder(root, bake->kernels.items[i], err);
    return rc;
}

static int find_stale(const struct root *root, const struct legacy_bake *bake,
                      struct strlist *refresh, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < bake->kernels.count; i++) {
        bool stale = false;
        rc = legacy_modules_resolve(root, bake->kernels.items[i], &bake->paths, &stale, err);
        if (!rc && stale && !strlist_contains(refresh, bake->kernels.items[i]) &&
            strlist_add(refresh, bake->kernels.items[i]))
            rc = error_oom(err, "looking at the module index");
    }
    return rc;
}

int legacy_removal_modules(const struct root *root, const char *version,
                           const struct legacy_bake *bake, struct error *err) {
    AUTO_STRLIST struct strlist refresh = {0};
    int first = interrupt_hold(err);
    if (first)
        return first;
    first = remove_installed(root, version, bake, &refresh, err);
    if (!first)
        first = remove_modules(root, bake, err);
    /* Whatever else failed: the index must not name what is gone. */
    int rc = find_stale(root, bake, &refresh, first ? NULL : err);
    first = first ? first : rc;
    rc = index_refresh(root, &refresh, STATE_FOLDER_STORE, NULL, first ? NULL : err);
    interrupt_let();
    first = first ? first : rc;
    if (!first && refresh.count > 0)
        first = durability_sync(root, err);
    return first;
}

int legacy_removal_registration(const struct root *root, const char *version,
                                const struct legacy_bake *bake, struct error *err) {
    if (bake->packaged)
        return 0;
    AUTO_DKMS_REMOVAL struct dkms_removal removal = registration(root, version);
    int rc = dkms_removal_open(&removal, err);
    if (!rc)
        rc = dkms_removal_tree(&removal, err);
    return rc ? rc : dkms_removal_version(&removal, err);
}

static bool is_userspace(const struct legacy_path *item) {
    return item->ours && item->class != LEGACY_MODULE && item->class != LEGACY_FOLDER;
}

static int remove_files(const struct root *root, const struct legacy_paths *paths,
                        struct error *err) {
    unsigned rank = 0;
    int first = 0;
    for (size_t i = 0; i < paths->count; i++)
        if (is_userspace(&paths->items[i]) && paths->items[i].rank > rank)
            rank = paths->items[i].rank;
    for (rank++; !first && rank-- > 0;)
        for (size_t i = 0; i < paths->count; i++) {
            if (!is_userspace(&paths->items[i]) || paths->items[i].rank != rank)
                continue;
            int rc = file_remove(root, paths->items[i].path, first ? NULL : err);
            first = first ? first : rc;
        }
    return first;
}

/* Innermost first, and copies first: they were found the other way round. */
static int remove_folders(const struct root *root, const struct legacy_paths *paths,
                          struct error *err) {
    int rc = 0;
    for (size_t i = paths->count; !rc && i-- > 0;) {
        if (paths->items[i].class != LEGACY_FOLDER || paths->items[i].owned)
            continue;
        rc = file_remove_dir(root, paths->items[i].path, err);
        if (rc == -ENOTEMPTY || rc == -ENOENT)
            rc = 0;
    }
    return rc;
}

int legacy_removal_userspace(const struct root *root, const struct legacy_bake *bake,
                             struct error *err) {
    int removed = remove_files(root, &bake->paths, err);
    /* The cache must not name what is gone, whatever else failed. */
    int refreshed = loader_cache_refresh(root, STATE_FOLDER_STORE, removed ? NULL : err);
    if (removed || refreshed)
        return removed ? removed : refreshed;
    return remove_folders(root, &bake->paths, err);
}

int legacy_removal_resolves(const struct root *root, const struct legacy_bake *bake, bool *resolves,
                            struct error *err) {
    int rc = 0;
    *resolves = false;
    for (size_t i = 0; !rc && !*resolves && i < bake->kernels.count; i++)
        rc = legacy_modules_resolve(root, bake->kernels.items[i], &bake->paths, resolves, err);
    return rc;
}
