#include "kmod/system/dkms_removal.h"

#include <string.h>

#include "base/file.h"
#include "kmod/system/dangling_index.h"
#include "kmod/system/dkms_installed.h"
#include "kmod/system/module_folder.h"
#include "kmod/system/original_module.h"
#include "kmod/system/weak_updates.h"

static const char removing[] = "removing a DKMS registration";

static bool chooses(const struct dkms_removal *removal, const char *kernel) {
    if (removal->kernel && strcmp(removal->kernel, kernel))
        return false;
    return !removal->except || !strlist_contains(removal->except, kernel);
}

int dkms_removal_open(struct dkms_removal *removal, struct error *err) {
    return dkms_builds_read(removal->root, removal->name, removal->version, &removal->builds, err);
}

/* A version that is added but built for nothing belongs to any kernel, as for dkms. */
bool dkms_removal_has_any(const struct dkms_removal *removal) {
    const struct dkms_builds *builds = &removal->builds;
    bool any = builds->present && !removal->except &&
               (!removal->kernel || builds->kernels.count + builds->count == 0);
    for (size_t i = 0; i < builds->kernels.count; i++)
        any |= chooses(removal, builds->kernels.items[i]);
    for (size_t i = 0; i < builds->count; i++)
        any |= chooses(removal, builds->items[i].kernel);
    return any;
}

/* The folder of the file that was removed last: mostly it is that of the next one as well. */
struct folder {
    char *path;
    int fd;
};

static void folder_release(struct folder *folder) {
    cleanup_close(&folder->fd);
    free(folder->path);
    *folder = (struct folder){.fd = -1};
}

/* Whether two paths are of one folder. */
static bool is_beside(const char *path, const char *other) {
    size_t length = (size_t)(strrchr(path, '/') - path) + 1;
    return !strncmp(path, other, length) && !strchr(other + length, '/');
}

static int enter_folder(struct dkms_removal *removal, struct folder *folder, const char *path,
                        struct strlist *entered, struct error *err) {
    size_t length = (size_t)(strrchr(path, '/') - path);
    if (folder->path && !strncmp(folder->path, path, length) && !folder->path[length])
        return 0;
    const char *name;
    folder_release(folder);
    folder->path = strndup(path, length);
    if (!folder->path || strlist_add(entered, folder->path))
        return error_oom(err, removing);
    return root_open_parent(removal->root, path, &folder->fd, &name, err);
}

static int remove_file(struct dkms_removal *removal, const struct dkms_installed_file *file,
                       const struct folder *folder, struct error *err) {
    const char *name = strrchr(file->path, '/') + 1;
    if (!file->replaced && unlinkat(folder->fd, name, 0) && errno != ENOENT)
        return error_io(err, errno, "can't remove %s%s", removal->root->path, file->path);
    removal->files++;
    return 0;
}

static int remove_installed(struct dkms_removal *removal, const struct dkms_installed *installed,
                            struct error *err) {
    AUTO(folder_release) struct folder folder = {.fd = -1};
    AUTO_STRLIST struct strlist entered = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < installed->count; i++) {
        const struct dkms_installed_file *file = &installed->files[i];
        rc = enter_folder(removal, &folder, file->path, &entered, err);
        if (!rc)
            rc = remove_file(removal, file, &folder, err);
    }
    for (size_t i = 0; !rc && i < entered.count; i++)
        rc = module_folder_prune(removal->root, entered.items[i], err);
    return rc;
}

/* dkms removes its own folder when it is empty; after a kill no file may be left to tell of it. */
static int prune_own_folder(const struct dkms_removal *removal, const struct dkms_build *build,
                            struct error *err) {
    AUTO_FREE char *folder = NULL;
    if (asprintf(&folder, "/lib/modules/%s/updates/dkms", build->kernel) < 0)
        return error_oom(err, removing);
    return module_folder_prune(removal->root, folder, err);
}

static int note_modules(const struct dkms_installed *installed, struct module_table *modules) {
    for (size_t i = 0; i < installed->built.count; i++)
        if (module_table_add(modules, installed->built.entries[i].file))
            return -ENOMEM;
    return 0;
}

/* Whether DKMS has one of the files installed for another name. */
static bool is_anothers(const struct dkms_removal *removal, const struct dkms_build *build,
                        const struct dkms_installed *installed) {
    AUTO_STRLIST struct strlist names = {0};
    bool found = root_list(removal->root, DKMS_TREE, &names, NULL) != 0;
    for (size_t i = 0; !found && i < names.count; i++)
        for (size_t f = 0; !found && f < installed->count; f++) {
            AUTO_FREE char *path = NULL;
            struct stat st;
            found = strcmp(names.items[i], removal->name) &&
                    (asprintf(&path, DKMS_TREE "/%s/kernel-%s-%s/module/%s", names.items[i],
                              build->kernel, build->machine,
                              strrchr(installed->files[f].path, '/') + 1) < 0 ||
                     !root_stat_following(removal->root, path, &st));
        }
    return found;
}

static int remove_build_files(struct dkms_removal *removal, const struct dkms_build *build,
                              struct module_table *modules, struct error *err) {
    AUTO_DKMS_INSTALLED struct dkms_installed installed = {0};
    int rc = dkms_installed_find(removal->root, build, removal->known, &installed, err);
    if (!rc && note_modules(&installed, modules))
        rc = error_oom(err, removing);
    /* Without the link it is what an installation left that was killed, or another's. */
    if (!rc && build->active != DKMS_ACTIVE_THIS && is_anothers(removal, build, &installed))
        return 0;
    removal->foreign += installed.foreign;
    /* The links first: they are told by what they lead to. */
    if (!rc)
        rc = weak_updates_remove(removal->root, &installed, &removal->files, err);
    if (!rc)
        rc = original_module_restore(removal->root, build, &installed, &removal->foreign, err);
    if (!rc)
        rc = remove_installed(removal, &installed, err);
    return rc ? rc : prune_own_folder(removal, build, err);
}

static bool is_active(const struct dkms_removal *removal, const char *kernel) {
    for (size_t i = 0; i < removal->builds.count; i++)
        if (removal->builds.items[i].active == DKMS_ACTIVE_THIS &&
            !strcmp(removal->builds.items[i].kernel, kernel))
            return true;
    return false;
}

static bool has_index(const struct root *root, const char *kernel) {
    AUTO_FREE char *path = NULL;
    return asprintf(&path, "/lib/modules/%s/modules.dep", kernel) >= 0 && root_exists(root, path);
}

/*
 * What the index names of ours and is gone: the kernel needs a depmod; and where an earlier run was
 * killed, a folder may be empty that nothing else tells of.
 */
static int look_for_gone(const struct dkms_removal *removal, const char *kernel,
                         const struct module_table *modules, bool *any, struct error *err) {
    AUTO_STRLIST struct strlist gone = {0};
    int rc = dangling_index_list(removal->root, kernel, modules, &gone, err);
    for (size_t i = 0; !rc && i < gone.count; i++)
        if (i == 0 || !is_beside(gone.items[i - 1], gone.items[i]))
            rc = module_folder_prune_above(removal->root, gone.items[i], err);
    *any = gone.count > 0;
    return rc;
}

static int find_refresh(const struct dkms_removal *removal, const struct module_table *modules,
                        struct strlist *refresh, struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0};
    int rc = root_list(removal->root, "/lib/modules", &kernels, err);
    for (size_t i = 0; !rc && i < kernels.count; i++) {
        const char *kernel = kernels.items[i];
        bool wanted = false;
        if (!has_index(removal->root, kernel))
            continue;
        rc = look_for_gone(removal, kernel, modules, &wanted, err);
        wanted |= chooses(removal, kernel) && is_active(removal, kernel);
        if (!rc && wanted && !strlist_contains(refresh, kernel) && strlist_add(refresh, kernel))
            rc = error_oom(err, removing);
    }
    return rc;
}

int dkms_removal_files(struct dkms_removal *removal, struct strlist *refresh, struct error *err) {
    AUTO_MODULE_TABLE struct module_table modules = {0};
    int first = 0;
    for (size_t i = 0; i < removal->builds.count; i++) {
        const struct dkms_build *build = &removal->builds.items[i];
        if (build->active == DKMS_ACTIVE_OTHER || !chooses(removal, build->kernel))
            continue;
        int rc = remove_build_files(removal, build, &modules, first ? NULL : err);
        first = first ? first : rc;
    }
    module_table_sort(&modules);
    int rc = find_refresh(removal, &modules, refresh, first ? NULL : err);
    return first ? first : rc;
}

static int remove_folder(const struct root *root, const char *folder, const char *name,
                         struct error *err) {
    AUTO_FREE char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? error_oom(err, removing)
                                                      : file_remove_tree(root, path, err);
}

static int remove_links(const struct dkms_removal *removal, const char *kernel, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < removal->builds.count; i++) {
        const struct dkms_build *build = &removal->builds.items[i];
        if (build->active == DKMS_ACTIVE_THIS && !strcmp(build->kernel, kernel))
            rc = file_remove(removal->root, build->paths.kernel_link, err);
    }
    return rc;
}

static int remove_kernel(struct dkms_removal *removal, const char *kernel, struct error *err) {
    int rc = remove_links(removal, kernel, err);
    if (!rc)
        rc = remove_folder(removal->root, removal->builds.version_dir, kernel, err);
    removal->kernels += !rc;
    return rc;
}

/* Every release with a folder, a link or both, each once. */
static int list_kernels(const struct dkms_removal *removal, struct strlist *kernels,
                        struct error *err) {
    const struct dkms_builds *builds = &removal->builds;
    for (size_t i = 0; i < builds->kernels.count + builds->count; i++) {
        const char *kernel = i < builds->kernels.count
                                 ? builds->kernels.items[i]
                                 : builds->items[i - builds->kernels.count].kernel;
        if (chooses(removal, kernel) && !strlist_contains(kernels, kernel) &&
            strlist_add(kernels, kernel))
            return error_oom(err, removing);
    }
    return 0;
}

int dkms_removal_tree(struct dkms_removal *removal, struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0};
    int first = list_kernels(removal, &kernels, err);
    for (size_t i = 0; i < kernels.count; i++) {
        int rc = remove_kernel(removal, kernels.items[i], first ? NULL : err);
        first = first ? first : rc;
    }
    int rc = removal->kernel ? 0
                             : remove_folder(removal->root, removal->builds.version_dir, "build",
                                             first ? NULL : err);
    return first ? first : rc;
}

int dkms_removal_version(const struct dkms_removal *removal, struct error *err) {
    AUTO_DKMS_BUILDS struct dkms_builds left = {0};
    int rc = dkms_builds_read(removal->root, removal->name, removal->version, &left, err);
    if (!rc && left.kernels.count == 0)
        rc = remove_folder(removal->root, left.module_dir, removal->version, err);
    if (!rc)
        rc = file_remove_dir(removal->root, left.module_dir, err);
    return rc == -ENOTEMPTY || rc == -ENOENT ? 0 : rc;
}

void dkms_removal_release(struct dkms_removal *removal) {
    dkms_builds_release(&removal->builds);
}
