#include "kmod/system/index_folders.h"

#include <fcntl.h>

#include "kmod/system/kept_file.h"

static int open_one(const struct root *root, const char *path, int *fd, struct error *err) {
    struct error reason = {0};
    int rc = index_store_open(root, path, fd, &reason);
    if (rc == -ENOENT)
        return 0;
    if (rc && err)
        *err = reason;
    return rc;
}

int index_folders_open(const struct root *root, const struct index_store *paths,
                       struct index_folders *folders, struct error *err) {
    *folders = (struct index_folders){-1, -1, -1};
    int rc = open_one(root, paths->kernel_dir, &folders->place, err);
    if (!rc)
        rc = open_one(root, paths->without, &folders->without, err);
    return rc ? rc : open_one(root, paths->with, &folders->with, err);
}

void index_folders_close(struct index_folders *folders) {
    cleanup_close(&folders->place);
    cleanup_close(&folders->without);
    cleanup_close(&folders->with);
}

int index_folders_stat(int folder, const char *name, struct stat *st) {
    if (folder < 0)
        return -ENOENT;
    return fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

int index_folders_put_back(const struct index_folders *folders, const char *name, bool was_present,
                           struct error *err) {
    if (was_present)
        return folders->without < 0
                   ? 0
                   : kept_file_put_back(folders->without, folders->place, name, err);
    return unlinkat(folders->place, name, 0) && errno != ENOENT
               ? error_io(err, errno, "can't remove the index file %s", name)
               : 0;
}
