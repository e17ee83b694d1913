#include "base/parent_folder.h"

#include <string.h>

/* How much of `path` names its folder. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

bool parent_folder_holds(const struct parent_folder *folder, const char *path) {
    size_t length = folder_length(path);
    return folder->fd >= 0 && length && path[length] && strlen(folder->path) == length &&
           !memcmp(folder->path, path, length);
}

int parent_folder_enter(struct parent_folder *folder, const struct root *root, const char *path,
                        const char **name, struct error *err) {
    size_t length = folder_length(path);
    if (parent_folder_holds(folder, path)) {
        *name = path + length;
        return 0;
    }
    parent_folder_release(folder);
    int rc = root_open_parent(root, path, &folder->fd, name, err);
    if (!rc && !(folder->path = strndup(path, length))) {
        parent_folder_release(folder);
        rc = error_oom(err, "opening a folder");
    }
    return rc;
}

void parent_folder_release(struct parent_folder *folder) {
    cleanup_close(&folder->fd);
    free(folder->path);
    *folder = (struct parent_folder)PARENT_FOLDER_INIT;
}
