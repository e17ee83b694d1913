#include "kmod/system/replica.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/file.h"

static int copy_attribute(int in, int out, const char *attribute) {
    char value[XATTR_SIZE_MAX];
    ssize_t size = fgetxattr(in, attribute, value, sizeof value);
    if (size < 0)
        return -errno;
    return fsetxattr(out, attribute, value, (size_t)size, 0) ? -errno : 0;
}

static int copy_attributes(int in, int out, bool inert) {
    char names[XATTR_LIST_MAX];
    ssize_t size = flistxattr(in, names, sizeof names);
    if (size < 0)
        return errno == ENOTSUP ? 0 : -errno;
    for (const char *name = names; name < names + size; name += strlen(name) + 1) {
        bool left_out = inert && !strcmp(name, REPLICA_CAPABILITY);
        int rc = left_out ? 0 : copy_attribute(in, out, name);
        if (rc)
            return rc;
    }
    return 0;
}

/* Owner, attributes, mode, times: chown clears what the others set, writing changes the times. */
static int copy_meta(int in, int out, const struct stat *st, bool inert) {
    if (fchown(out, st->st_uid, st->st_gid))
        return -errno;
    int rc = copy_attributes(in, out, inert);
    if (rc)
        return rc;
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    mode_t mode = st->st_mode & (inert ? 01777 : 07777);
    return fchmod(out, mode) || futimens(out, times) ? -errno : 0;
}

static int copy_file(int from, const char *name, const struct stat *st, int to, const char *to_name,
                     bool inert, struct error *err) {
    AUTO_CLOSE int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (in < 0)
        return error_io(err, errno, "can't open %s", name);
    AUTO_CLOSE int out =
        openat(to, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0)
        return error_io(err, errno, "can't create a copy of %s", name);
    int rc = file_copy_fd(in, out, name, err);
    if (!rc) {
        rc = copy_meta(in, out, st, inert);
        if (rc)
            error_io(err, -rc, "can't copy owner, mode and attributes of %s", name);
    }
    if (rc)
        unlinkat(to, to_name, 0);
    return rc;
}

static int copy_link(int from, const char *name, const struct stat *st, int to, const char *to_name,
                     struct error *err) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(from, name, target, sizeof target - 1);
    if (size < 0)
        return error_io(err, errno, "can't read the link %s", name);
    target[size] = '\0';
    if (symlinkat(target, to, to_name))
        return error_io(err, errno, "can't create a copy of the link %s", name);
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (!fchownat(to, to_name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) &&
        !utimensat(to, to_name, times, AT_SYMLINK_NOFOLLOW))
        return 0;
    int rc = error_io(err, errno, "can't copy owner and times of the link %s", name);
    unlinkat(to, to_name, 0);
    return rc;
}

static int make(int from, const char *name, int to, const char *to_name, bool inert,
                struct error *err) {
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
        return error_io(err, errno, "can't look at %s", name);
    if (S_ISREG(st.st_mode))
        return copy_file(from, name, &st, to, to_name, inert, err);
    if (S_ISLNK(st.st_mode))
        return copy_link(from, name, &st, to, to_name, err);
    return error_set(err, ERROR_REFUSED, EINVAL, "%s is neither a file nor a link", name);
}

int replica_meta(int in, const struct stat *st, int out, const char *name, struct error *err) {
    int rc = copy_meta(in, out, st, false);
    return rc ? error_io(err, -rc, "can't copy owner, mode and attributes of %s", name) : 0;
}

int replica_make(int from, const char *name, int to, const char *to_name, struct error *err) {
    return make(from, name, to, to_name, false, err);
}

int replica_make_inert(int from, const char *name, int to, const char *to_name, struct error *err) {
    return make(from, name, to, to_name, true, err);
}
