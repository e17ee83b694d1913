#include "toolchain/collect.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"

/* The build may have planted a link (to what only root may read) or a fifo in a module's place. */
static int open_plain(int from, const char *path) {
    return beneath_resolve(from, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                           RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

static int refuse(struct error *err, const char *path, const char *why) {
    return error_set(err, ERROR_BUILD, EINVAL, "the build's %s is not taken: %s", path, why);
}

static int check_file(int fd, const char *path, struct error *err) {
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at the build's %s", path);
    if (!S_ISREG(st.st_mode))
        return refuse(err, path, "it is not a regular file");
    if (st.st_nlink != 1)
        return refuse(err, path, "it has more than one link");
    if (st.st_size > COLLECT_SIZE_MAX)
        return refuse(err, path, "it is larger than 512 MiB");
    return 0;
}

static int copy_out(int in, const char *to, struct error *err) {
    AUTO_CLOSE int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0)
        return error_io(err, errno, "can't create %s", to);
    int rc = file_copy_fd(in, out, to, err);
    if (!rc && (fchown(out, 0, 0) || fchmod(out, 0644)))
        rc = error_io(err, errno, "can't set the mode of %s", to);
    if (rc)
        unlink(to);
    return rc;
}

int collect_file(int from, const char *path, const char *to, struct error *err) {
    AUTO_CLOSE int in = open_plain(from, path);
    if (in == -ENOENT)
        return error_set(err, ERROR_BUILD, ENOENT, "the build did not make %s", path);
    if (in == -ELOOP || in == -EXDEV)
        return refuse(err, path, "there is a link in its path");
    if (in < 0)
        return error_io(err, -in, "can't open the build's %s", path);
    int rc = check_file(in, path, err);
    return rc ? rc : copy_out(in, to, err);
}
