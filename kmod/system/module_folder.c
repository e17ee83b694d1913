#include "kmod/system/module_folder.h"

#include <string.h>

#include "base/file.h"
#include "kmod/system/os_release.h"

/* How many components "/lib/modules/K" has. */
#define KERNEL_DEPTH 3

static unsigned depth_of(const char *path) {
    unsigned depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

static int has_rpm_kernels(const struct root *root, bool *rpm, struct error *err) {
    AUTO_STRLIST struct strlist identifiers = {0};
    int rc = os_release_identifiers(root, &identifiers, err);
    *rpm = strlist_contains(&identifiers, "fedora") || strlist_contains(&identifiers, "rhel") ||
           strlist_contains(&identifiers, "suse");
    return rc;
}

int module_folder_prune(const struct root *root, const char *path, struct error *err) {
    AUTO_FREE char *at = strdup(path);
    if (!at)
        return error_oom(err, "removing module folders");
    for (unsigned depth = depth_of(at); depth > KERNEL_DEPTH; depth--) {
        bool rpm = false;
        int rc = depth == KERNEL_DEPTH + 1 ? has_rpm_kernels(root, &rpm, err) : 0;
        if (rc || rpm)
            return rc;
        struct error reason = {0};
        rc = file_remove_dir(root, at, &reason);
        if (rc == -ENOTEMPTY || rc == -ENOTDIR)
            return 0;
        if (rc && rc != -ENOENT) {
            if (err)
                *err = reason;
            return rc;
        }
        *strrchr(at, '/') = '\0';
    }
    return 0;
}

int module_folder_prune_above(const struct root *root, const char *path, struct error *err) {
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *folder = slash ? strndup(path, (size_t)(slash - path)) : NULL;
    return folder ? module_folder_prune(root, folder, err)
                  : error_oom(err, "removing module folders");
}

int module_folder_select(const struct root *root, const char *kernel, const struct strlist *paths,
                         struct strlist *found, struct error *err) {
    AUTO_FREE char *folder = NULL, *canonical = NULL;
    if (asprintf(&folder, "/lib/modules/%s", kernel) < 0) {
        folder = NULL;
        return error_oom(err, "listing modules");
    }
    struct stat st;
    if (root_stat_following(root, folder, &st))
        return 0;
    int rc = root_canonical(root, folder, &canonical, err);
    size_t length = rc ? 0 : strlen(canonical);
    for (size_t i = 0; !rc && i < paths->count; i++) {
        const char *path = paths->items[i];
        if (!strncmp(path, canonical, length) && path[length] == '/' && strlist_add(found, path))
            rc = error_oom(err, "listing modules");
    }
    return rc;
}
