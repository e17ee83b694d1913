#include "kmod/lifecycle/legacy_modules.h"

#include <string.h>

#include "kmod/system/module_lookup.h"
#include "kmod/system/module_name.h"
#include "kmod/system/module_version.h"
#include "kmod/system/path_component.h"

#define MODULES "/lib/modules"

const char *const legacy_modules_names[] = {
    "nvidia", "nvidia_modeset", "nvidia_drm", "nvidia_uvm", "nvidia_peermem", NULL,
};

int legacy_modules_kernels(const struct root *root, struct strlist *kernels, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, MODULES, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        AUTO_FREE char *path = NULL;
        struct stat st;
        if (path_component_check(names.items[i], "kernel release", NULL))
            continue;
        if (asprintf(&path, MODULES "/%s", names.items[i]) < 0)
            return error_oom(err, "listing kernels");
        rc = root_stat(root, path, &st);
        if (rc)
            return error_io(err, -rc, "can't look at %s%s", root->path, path);
        if (S_ISDIR(st.st_mode) && strlist_add(kernels, names.items[i]))
            rc = error_oom(err, "listing kernels");
    }
    return rc;
}

static bool is_candidate(const char *name) {
    return !strncmp(name, "nvidia", strlen("nvidia")) && strstr(name, ".ko");
}

static int collect_folder(const struct root *root, const char *folder, struct legacy_paths *paths,
                          struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_FREE char *canonical = NULL;
    struct stat st;
    int rc = root_stat(root, folder, &st);
    if (rc == -ENOENT || rc == -ENOTDIR || (!rc && !S_ISDIR(st.st_mode)))
        return 0;
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, folder);
    rc = root_canonical(root, folder, &canonical, err);
    if (!rc)
        rc = root_list(root, canonical, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        AUTO_FREE char *path = NULL;
        if (!is_candidate(names.items[i]))
            continue;
        if (asprintf(&path, "%s/%s", canonical, names.items[i]) < 0 ||
            !legacy_paths_add(paths, LEGACY_MODULE, path))
            rc = error_oom(err, "listing modules");
    }
    return rc;
}

int legacy_modules_collect(const struct root *root, const struct strlist *kernels,
                           struct legacy_paths *paths, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < kernels->count; i++) {
        AUTO_FREE char *folder = NULL;
        if (asprintf(&folder, MODULES "/%s/updates/dkms", kernels->items[i]) < 0)
            return error_oom(err, "listing modules");
        rc = collect_folder(root, folder, paths, err);
    }
    return rc;
}

static bool is_driver_module(const char *name) {
    for (const char *const *known = legacy_modules_names; *known; known++)
        if (!strcmp(*known, name))
            return true;
    return false;
}

int legacy_modules_prove(const struct root *root, const char *version, struct legacy_path *item,
                         struct error *err) {
    AUTO_FREE char *name = module_name_in_kernel(item->path), *found = NULL;
    struct stat st;
    if (!name)
        return error_oom(err, "looking at modules");
    if (!is_driver_module(name))
        return 0;
    int rc = root_stat(root, item->path, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, item->path);
    if (!S_ISREG(st.st_mode))
        return 0;
    rc = module_version_read(root, item->path, &found, err);
    item->ours = !rc && !strcmp(found, version);
    return rc;
}

/* The index names files below /lib/modules as the kernel's folder is reached, which may be through
 * a link (usr-merge). */
static int is_left_behind(const struct root *root, const char *path,
                          const struct legacy_paths *paths, bool *behind, struct error *err) {
    AUTO_FREE char *resolved = NULL;
    struct stat st;
    int rc = root_resolve(root, path, &resolved, NULL, err);
    if (rc)
        return rc;
    rc = root_stat(root, resolved, &st);
    if (rc && rc != -ENOENT && rc != -ENOTDIR)
        return error_io(err, -rc, "can't look at %s%s", root->path, resolved);
    *behind = rc || legacy_paths_find_ours(paths, resolved);
    return 0;
}

int legacy_modules_resolve(const struct root *root, const char *kernel,
                           const struct legacy_paths *paths, bool *resolves, struct error *err) {
    int rc = 0;
    *resolves = false;
    for (const char *const *name = legacy_modules_names; !rc && !*resolves && *name; name++) {
        AUTO_FREE char *path = NULL;
        rc = module_lookup_path(root, kernel, *name, &path, err);
        if (!rc && path)
            rc = is_left_behind(root, path, paths, resolves, err);
    }
    return rc;
}

int legacy_modules_are_indexed(const struct root *root, const char *kernel, const char *version,
                               bool *indexed, struct error *err) {
    AUTO_FREE char *path = NULL, *resolved = NULL, *found = NULL;
    struct stat st;
    *indexed = false;
    int rc = module_lookup_path(root, kernel, legacy_modules_names[0], &path, err);
    if (rc || !path)
        return rc;
    rc = root_resolve(root, path, &resolved, NULL, err);
    if (rc || root_stat(root, resolved, &st) || !S_ISREG(st.st_mode))
        return rc;
    rc = module_version_read(root, resolved, &found, err);
    *indexed = !rc && !strcmp(found, version);
    return rc;
}
