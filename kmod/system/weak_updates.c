#include "kmod/system/weak_updates.h"

#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "kmod/system/module_folder.h"

#define MODULES_DIR "/lib/modules"

static const char searching[] = "looking for weak-updates links";

struct search {
    const struct root *root;
    const char *folder; /* /lib/modules/K2/weak-updates */
    const struct dkms_installed *installed;
    struct strlist links; /* paths inside the root */
};

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    struct search *search = context;
    if (!S_ISLNK(entry->st->st_mode) || !module_table_find(&search->installed->built, entry->name))
        return 0;
    AUTO_FREE char *path = NULL;
    struct stat target;
    if (asprintf(&path, "%s/%s", search->folder, entry->path) < 0)
        return error_oom(err, searching);
    bool leads = !root_stat_following(search->root, path, &target) &&
                 dkms_installed_same(search->installed, &target);
    return leads && strlist_add(&search->links, path) ? error_oom(err, searching) : 0;
}

static int search_kernel(struct search *search, const char *kernel, struct error *err) {
    AUTO_FREE char *folder = NULL;
    AUTO_CLOSE int fd = -1;
    struct stat st;
    if (asprintf(&folder, MODULES_DIR "/%s/weak-updates", kernel) < 0)
        return error_oom(err, searching);
    if (root_stat(search->root, folder, &st) || !S_ISDIR(st.st_mode))
        return 0;
    search->folder = folder;
    int rc = root_open_dir(search->root, folder, &fd, err);
    return rc ? rc : tree_walk(fd, folder, visit, search, err);
}

static int remove_links(struct search *search, unsigned *removed, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < search->links.count; i++) {
        rc = file_remove(search->root, search->links.items[i], err);
        *removed += !rc;
    }
    for (size_t i = 0; !rc && i < search->links.count; i++)
        rc = module_folder_prune_above(search->root, search->links.items[i], err);
    return rc;
}

int weak_updates_remove(const struct root *root, const struct dkms_installed *installed,
                        unsigned *removed, struct error *err) {
    if (installed->count == 0)
        return 0;
    AUTO_STRLIST struct strlist kernels = {0};
    struct search search = {.root = root, .installed = installed};
    int rc = root_list(root, MODULES_DIR, &kernels, err);
    for (size_t i = 0; !rc && i < kernels.count; i++)
        rc = search_kernel(&search, kernels.items[i], err);
    if (!rc)
        rc = remove_links(&search, removed, err);
    strlist_release(&search.links);
    return rc;
}
