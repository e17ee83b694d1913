#include "kmod/lifecycle/trusted_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

static int refuse(struct error *err, const struct root *root, const char *path, const char *fact) {
    return error_set(err, ERROR_REFUSED, EPERM,
                     "%s%s is not believed: it %s; look who changed it, nothing was touched",
                     root->path, path, fact);
}

static int check(const struct root *root, const char *path, const struct stat *st,
                 struct error *err) {
    if (!S_ISREG(st->st_mode))
        return refuse(err, root, path, "is not a regular file");
    if (st->st_uid != 0)
        return refuse(err, root, path, "is not owned by root");
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return refuse(err, root, path, "is writable by group or others");
    if (st->st_nlink != 1)
        return refuse(err, root, path, "has more than one hard link");
    return 0;
}

/* Opens `path`, no link followed; O_NONBLOCK so that a planted fifo does not hang us. */
static int open_candidate(const struct root *root, const char *path, int *fd, struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    struct error parent_error = {0};
    int rc = root_open_parent(root, path, &parent, &name, &parent_error);
    if (rc && rc != -ENOENT && err)
        *err = parent_error;
    if (rc)
        return rc;
    *fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    if (errno == ENOENT)
        return -ENOENT;
    if (errno == ELOOP)
        return refuse(err, root, path, "is a symbolic link");
    if (errno == ENXIO)
        return refuse(err, root, path, "is not a regular file");
    return error_io(err, errno, "can't open %s%s", root->path, path);
}

int trusted_file_read(const struct root *root, const char *path, size_t max, struct buffer *out,
                      struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = open_candidate(root, path, &fd, err);
    if (rc)
        return rc;
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s%s", root->path, path);
    rc = check(root, path, &st, err);
    if (rc)
        return rc;
    AUTO_FREE char *shown = root_host_path(root, path);
    if (!shown)
        return error_oom(err, "reading a state file");
    return file_read_fd(fd, shown, max, out, err);
}
