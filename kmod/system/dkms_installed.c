#include "kmod/system/dkms_installed.h"

#include <fcntl.h>
#include <string.h>

#include "base/tree.h"
#include "kmod/system/same_content.h"

static const char *const ADDED_FOLDERS[] = {"updates", "extra", "weak-updates"};

/* Where dkms installs, by distribution: the first of these that has a module is dkms' own. */
static const char *const OWN_FOLDERS[] = {"updates/dkms", "updates", "extra"};

static const char searching[] = "looking for installed modules";

struct search {
    const struct root *root;
    const struct dkms_build *build;
    int built_dir;
    const struct compared_files *known;
    const char *folder; /* below the kernel's: "updates", or "" for all of it */
    struct dkms_installed *installed;
};

static int add_file(struct dkms_installed *installed, char *path, const struct stat *st) {
    if (installed->count == installed->capacity) {
        size_t capacity = installed->capacity ? installed->capacity * 2 : 16;
        struct dkms_installed_file *files = reallocarray(installed->files, capacity, sizeof *files);
        if (!files)
            return -ENOMEM;
        installed->files = files;
        installed->capacity = capacity;
    }
    installed->files[installed->count++] =
        (struct dkms_installed_file){.path = path, .device = st->st_dev, .inode = st->st_ino};
    return 0;
}

/* symlink_modules in dkms' framework.conf: an absolute link to the tree's copy. */
static bool leads_to_copy(const struct search *search, const char *path, const char *built) {
    struct stat copy, target;
    return !fstatat(search->built_dir, built, &copy, AT_SYMLINK_NOFOLLOW) &&
           !root_stat_following(search->root, path, &target) && copy.st_dev == target.st_dev &&
           copy.st_ino == target.st_ino;
}

static int compare(const struct search *search, const struct tree_entry *entry, const char *built,
                   bool *same, struct error *err) {
    struct stat copy;
    if (fstatat(search->built_dir, built, &copy, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : error_io(err, errno, "can't look at %s", built);
    *same = compared_files_have(search->known, entry->st, &copy);
    int rc =
        *same ? 0 : same_content(entry->parent, entry->name, search->built_dir, built, same, err);
    const struct compared_pair pair = compared_files_pair(entry->st, &copy);
    if (!rc && *same && compared_files_add(&search->installed->compared, &pair))
        rc = error_oom(err, searching);
    return rc;
}

static int is_installed(const struct search *search, const struct tree_entry *entry,
                        const char *path, const char *built, bool *same, struct error *err) {
    if (S_ISLNK(entry->st->st_mode)) {
        *same = leads_to_copy(search, path, built);
        return 0;
    }
    *same = false;
    /* Another compression is another file, and so is another name of one that has dashes. */
    if (strcmp(entry->name, built))
        return 0;
    return compare(search, entry, built, same, err);
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    const struct search *search = context;
    struct dkms_installed *installed = search->installed;
    bool everywhere = !*search->folder;
    struct module_table_entry *built = module_table_find(&installed->built, entry->name);
    if (!built || S_ISDIR(entry->st->st_mode) || (everywhere && built->found))
        return 0;
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "/lib/modules/%s/%s%s%s", search->build->kernel, search->folder,
                 everywhere ? "" : "/", entry->path) < 0)
        return error_oom(err, searching);
    bool same;
    int rc = is_installed(search, entry, path, built->file, &same, err);
    if (!rc && same) {
        built->found = true;
        return add_file(installed, STEAL(path), entry->st) ? error_oom(err, searching) : 0;
    }
    /* Elsewhere in the kernel's tree a module of that name is the kernel's own. */
    if (!everywhere && S_ISREG(entry->st->st_mode))
        installed->foreign++;
    return rc;
}

static int search_folder(struct search *search, int kernel_dir, const char *folder,
                         struct error *err) {
    AUTO_CLOSE int fd =
        openat(kernel_dir, *folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0;
    if (fd < 0)
        return error_io(err, errno, "can't open /lib/modules/%s/%s", search->build->kernel, folder);
    search->folder = folder;
    return tree_walk(fd, folder, visit, search, err);
}

static bool all_found(const struct module_table *built) {
    for (size_t i = 0; i < built->count; i++)
        if (!built->entries[i].found)
            return false;
    return true;
}

/* How far down in OWN_FOLDERS the folder of the file is; their number when it is none of them. */
static size_t rank_of(const struct dkms_installed_file *file, size_t prefix) {
    const char *below = file->path + prefix;
    size_t length = (size_t)(strrchr(below, '/') - below);
    size_t rank = 0;
    while (rank < ARRAY_SIZE(OWN_FOLDERS) &&
           (strlen(OWN_FOLDERS[rank]) != length || strncmp(OWN_FOLDERS[rank], below, length) != 0))
        rank++;
    return rank;
}

static const char *name_of(const struct dkms_installed_file *file) {
    return strrchr(file->path, '/') + 1;
}

/* By name; of one name, as dkms would look for them. `context` is what paths have before it. */
static int compare_places(const void *a, const void *b, void *context) {
    const struct dkms_installed_file *one = a, *other = b;
    const size_t *prefix = context;
    int by_name = strcmp(name_of(one), name_of(other));
    size_t rank = rank_of(one, *prefix), other_rank = rank_of(other, *prefix);
    if (by_name || rank == other_rank)
        return by_name ? by_name : strcmp(one->path, other->path);
    return rank < other_rank ? -1 : 1;
}

/* dkms installs a module once: a second file of the same bytes is somebody's copy. */
static void keep_one_each(const struct search *search) {
    struct dkms_installed *installed = search->installed;
    size_t prefix = strlen("/lib/modules//") + strlen(search->build->kernel), kept = 0;
    if (installed->count > 1)
        qsort_r(installed->files, installed->count, sizeof *installed->files, compare_places,
                &prefix);
    for (size_t i = 0; i < installed->count; i++) {
        if (kept > 0 &&
            !strcmp(name_of(&installed->files[kept - 1]), name_of(&installed->files[i]))) {
            free(installed->files[i].path);
            installed->foreign++;
        } else {
            installed->files[kept++] = installed->files[i];
        }
    }
    installed->count = kept;
}

/* −ENOENT without a sentence: there is no such folder. */
static int open_if_there(const struct root *root, const char *path, int *fd, struct error *err) {
    struct error reason = {0};
    int rc = root_open_dir(root, path, fd, &reason);
    if (rc && rc != -ENOENT && err)
        *err = reason;
    return rc;
}

static int search_all(struct search *search, struct error *err) {
    AUTO_FREE char *kernel_path = NULL;
    AUTO_CLOSE int kernel_dir = -1;
    if (asprintf(&kernel_path, "/lib/modules/%s", search->build->kernel) < 0)
        return error_oom(err, searching);
    int rc = open_if_there(search->root, kernel_path, &kernel_dir, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    for (size_t i = 0; !rc && i < ARRAY_SIZE(ADDED_FOLDERS); i++)
        rc = search_folder(search, kernel_dir, ADDED_FOLDERS[i], err);
    return rc || all_found(&search->installed->built) ? rc
                                                      : search_folder(search, kernel_dir, "", err);
}

static int list_built(const struct root *root, const struct dkms_build *build,
                      struct module_table *built, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, build->paths.built_dir, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        if (module_table_add(built, names.items[i]))
            rc = error_oom(err, searching);
    module_table_sort(built);
    return rc;
}

static int compare_inodes(const void *a, const void *b) {
    const struct dkms_installed_file *one = a, *other = b;
    if (one->inode != other->inode)
        return one->inode < other->inode ? -1 : 1;
    return (one->device > other->device) - (one->device < other->device);
}

int dkms_installed_find(const struct root *root, const struct dkms_build *build,
                        const struct compared_files *known, struct dkms_installed *installed,
                        struct error *err) {
    *installed = (struct dkms_installed){0};
    AUTO_CLOSE int built_dir = -1;
    struct stat st;
    /* A link would have the modules of another folder taken for what dkms built. */
    if (root_stat(root, build->paths.built_dir, &st) || !S_ISDIR(st.st_mode))
        return 0;
    int rc = open_if_there(root, build->paths.built_dir, &built_dir, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    struct search search = {.root = root,
                            .build = build,
                            .built_dir = built_dir,
                            .known = known,
                            .installed = installed};
    rc = list_built(root, build, &installed->built, err);
    if (!rc)
        rc = search_all(&search, err);
    if (rc) {
        dkms_installed_release(installed);
        return rc;
    }
    keep_one_each(&search);
    if (installed->count > 1)
        qsort(installed->files, installed->count, sizeof *installed->files, compare_inodes);
    return rc;
}

struct dkms_installed_file *dkms_installed_same(const struct dkms_installed *installed,
                                                const struct stat *st) {
    const struct dkms_installed_file wanted = {.device = st->st_dev, .inode = st->st_ino};
    return installed->count
               ? bsearch(&wanted, installed->files, installed->count, sizeof wanted, compare_inodes)
               : NULL;
}

void dkms_installed_release(struct dkms_installed *installed) {
    for (size_t i = 0; i < installed->count; i++)
        free(installed->files[i].path);
    free(installed->files);
    module_table_release(&installed->built);
    compared_files_release(&installed->compared);
    *installed = (struct dkms_installed){0};
}
