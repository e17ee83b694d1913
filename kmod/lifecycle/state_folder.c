#include "kmod/lifecycle/state_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

static int refuse(struct error *err, const struct root *root, const char *path, const char *fact) {
    return error_set(err, ERROR_REFUSED, EPERM,
                     "%s%s is not believed: it %s; look who changed it, nothing was touched",
                     root->path, path, fact);
}

static int check(const struct root *root, const char *path, const struct stat *st,
                 struct error *err) {
    if (!S_ISDIR(st->st_mode))
        return refuse(err, root, path, "is not a directory itself");
    if (st->st_uid != 0)
        return refuse(err, root, path, "is not owned by root");
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return refuse(err, root, path, "is writable by group or others");
    return 0;
}

static int open_folder(const struct root *root, int *fd, struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    struct error parent_error = {0};
    int rc = root_open_parent(root, STATE_FOLDER, &parent, &name, &parent_error);
    if (rc && rc != -ENOENT && err)
        *err = parent_error;
    if (rc)
        return rc;
    *fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    if (errno == ENOENT)
        return -ENOENT;
    if (errno == ELOOP || errno == ENOTDIR)
        return refuse(err, root, STATE_FOLDER, "is not a directory itself");
    return error_io(err, errno, "can't open %s%s", root->path, STATE_FOLDER);
}

int state_folder_open(const struct root *root, int *fd, struct error *err) {
    AUTO_CLOSE int folder = -1;
    int rc = open_folder(root, &folder, err);
    if (rc)
        return rc;
    struct stat st;
    if (fstat(folder, &st))
        return error_io(err, errno, "can't look at %s%s", root->path, STATE_FOLDER);
    rc = check(root, STATE_FOLDER, &st, err);
    if (!rc)
        *fd = STEAL_FD(folder);
    return rc;
}

int state_folder_check_store(const struct root *root, struct error *err) {
    struct stat st;
    int rc = root_stat(root, STATE_FOLDER_STORE, &st);
    if (rc == -ENOENT)
        return 0;
    return rc ? error_io(err, -rc, "can't look at %s%s", root->path, STATE_FOLDER_STORE)
              : check(root, STATE_FOLDER_STORE, &st, err);
}

int state_folder_make(const struct root *root, struct strlist *created, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = state_folder_open(root, &fd, err);
    if (rc != -ENOENT)
        return rc;
    rc = root_make_dirs(root, STATE_FOLDER_PARENT, 0755, created, err);
    if (!rc)
        rc = root_make_dirs(root, STATE_FOLDER, 0700, created, err);
    return rc ? rc : state_folder_open(root, &fd, err);
}
