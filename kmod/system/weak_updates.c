#include "kmod/system/weak_updates.h"

#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "kmod/system/module_folder.h"

#define MODULES_DIR "/lib/modules"

static const char searching[] = "looking for weak-updates links";

struct search {
    const struct root *root;
    const struct dkms_installed *installed; /* or NULL, and then `wanted` decides */
    weak_updates_wanted wanted;
    void *context;
    const char *kernel;
    const char *folder; /* /lib/modules/K2/weak-updates */
    const char *canonical;
    struct weak_links *links;
};

static bool leads_to_installed(const struct search *search, const char *name, const char *path) {
    struct stat target;
    return module_table_find(&search->installed->built, name) &&
           !root_stat_following(search->root, path, &target) &&
           dkms_installed_same(search->installed, &target);
}

/* "/a/b/../c/./d" becomes "/a/c/d"; begins with a slash. No link is looked at. */
static void simplify(char *path) {
    char *to = path;
    for (const char *from = path; *from;) {
        from += strspn(from, "/");
        size_t length = strcspn(from, "/");
        if (length == 2 && !strncmp(from, "..", 2)) {
            while (to > path && *--to != '/')
                continue;
        } else if (length > 1 || (length == 1 && *from != '.')) {
            *to++ = '/';
            memmove(to, from, length);
            to += length;
        }
        from += length;
    }
    *to = '\0';
}

/* Where the link, a canonical path, says that its module is. One that leads nowhere that can be
 * said is nobody's. */
static int find_target(const struct search *search, const char *link, char **target,
                       struct error *err) {
    AUTO_FREE char *said = NULL, *full = NULL;
    struct error unreachable = {0};
    *target = NULL;
    if (root_read_link(search->root, link, &said))
        return 0;
    bool is_absolute = said[0] == '/';
    int folder_length = is_absolute ? 0 : (int)(strrchr(link, '/') - link);
    if (asprintf(&full, "%.*s/%s", folder_length, link, said) < 0) {
        full = NULL;
        return error_oom(err, searching);
    }
    simplify(full);
    if (*full && root_resolve(search->root, full, target, NULL, &unreachable))
        *target = NULL;
    return 0;
}

static int is_wanted(const struct search *search, const char *link, bool *wanted,
                     struct error *err) {
    AUTO_FREE char *target = NULL;
    *wanted = false;
    int rc = find_target(search, link, &target, err);
    return rc || !target ? rc : search->wanted(search->context, target, wanted, err);
}

static bool has_index(const struct search *search) {
    AUTO_FREE char *path = NULL;
    return asprintf(&path, MODULES_DIR "/%s/modules.dep", search->kernel) >= 0 &&
           root_exists(search->root, path);
}

static int add_link(const struct search *search, const char *path, const char *canonical,
                    struct error *err) {
    struct weak_links *links = search->links;
    bool is_first = !strlist_contains(&links->kernels, search->kernel) && has_index(search);
    if (strlist_add(&links->paths, path) || strlist_add(&links->canonical, canonical) ||
        (is_first && strlist_add(&links->kernels, search->kernel)))
        return error_oom(err, searching);
    return 0;
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    const struct search *search = context;
    AUTO_FREE char *path = NULL, *canonical = NULL;
    if (!S_ISLNK(entry->st->st_mode))
        return 0;
    if (asprintf(&path, "%s/%s", search->folder, entry->path) < 0 ||
        asprintf(&canonical, "%s/%s", search->canonical, entry->path) < 0)
        return error_oom(err, searching);
    bool wanted = search->installed && leads_to_installed(search, entry->name, path);
    int rc = search->installed ? 0 : is_wanted(search, canonical, &wanted, err);
    return rc || !wanted ? rc : add_link(search, path, canonical, err);
}

static int search_kernel(struct search *search, const char *kernel, struct error *err) {
    AUTO_FREE char *folder = NULL, *canonical = NULL;
    AUTO_CLOSE int fd = -1;
    struct stat st;
    if (asprintf(&folder, MODULES_DIR "/%s/weak-updates", kernel) < 0)
        return error_oom(err, searching);
    if (root_stat(search->root, folder, &st) || !S_ISDIR(st.st_mode))
        return 0;
    int rc = root_canonical(search->root, folder, &canonical, err);
    if (!rc)
        rc = root_open_dir(search->root, folder, &fd, err);
    search->kernel = kernel;
    search->folder = folder;
    search->canonical = canonical;
    return rc ? rc : tree_walk(fd, folder, visit, search, err);
}

static int search_all(struct search *search, struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0};
    int rc = root_list(search->root, MODULES_DIR, &kernels, err);
    for (size_t i = 0; !rc && i < kernels.count; i++)
        rc = search_kernel(search, kernels.items[i], err);
    return rc;
}

int weak_updates_find(const struct root *root, weak_updates_wanted wanted, void *context,
                      struct weak_links *links, struct error *err) {
    struct search search = {.root = root, .wanted = wanted, .context = context, .links = links};
    return search_all(&search, err);
}

static int remove_links(const struct root *root, const struct weak_links *links, unsigned *removed,
                        struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < links->paths.count; i++) {
        rc = file_remove(root, links->paths.items[i], err);
        *removed += !rc;
    }
    return rc;
}

int weak_updates_unlink(const struct root *root, const struct weak_links *links,
                        struct error *err) {
    unsigned removed = 0;
    return remove_links(root, links, &removed, err);
}

int weak_updates_remove(const struct root *root, const struct dkms_installed *installed,
                        unsigned *removed, struct error *err) {
    if (installed->count == 0)
        return 0;
    AUTO_WEAK_LINKS struct weak_links links = {0};
    struct search search = {.root = root, .installed = installed, .links = &links};
    int rc = search_all(&search, err);
    if (!rc)
        rc = remove_links(root, &links, removed, err);
    for (size_t i = 0; !rc && i < links.paths.count; i++)
        rc = module_folder_prune_above(root, links.paths.items[i], err);
    return rc;
}

void weak_links_release(struct weak_links *links) {
    strlist_release(&links->paths);
    strlist_release(&links->canonical);
    strlist_release(&links->kernels);
}
