#include "builder/replace_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "kmod/lifecycle/xattrs.h"

static int open_folder(const char *path, const char *name) {
    AUTO_FREE char *folder = strndup(path, (size_t)(name - path));
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return fd < 0 ? -errno : fd;
}

/* Whether the file holds these bytes and no others. */
static int compare(int fd, const uint8_t *data, size_t size) {
    static _Thread_local uint8_t chunk[64 << 10];
    size_t at = 0;
    ssize_t got;
    while ((got = pread(fd, chunk, sizeof chunk, (off_t)at)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if ((size_t)got > size - at || memcmp(chunk, data + at, (size_t)got))
            return -EIO;
        at += (size_t)got;
    }
    return at == size ? 0 : -EIO;
}

/* These vouch for the content that the file had. */
static bool is_of_content(const char *attribute) {
    return strcmp(attribute, "security.ima") == 0 || strcmp(attribute, "security.evm") == 0;
}

static int copy_attributes(int folder, const char *name, int fd) {
    AUTO_XATTRS struct xattrs old = {0};
    int rc = xattrs_read_at(folder, name, &old);
    for (size_t i = 0; !rc && i < old.count; i++) {
        const struct xattrs one = {.items = &old.items[i], .count = 1};
        if (!is_of_content(old.items[i].name))
            rc = xattrs_set(fd, &one);
    }
    return rc;
}

/*
 * Owner before attributes and mode: chown clears capabilities and setuid bits. Mode last: a file
 * that is not to be written takes no attributes.
 */
static int write_temporary(int folder, const char *temporary, const char *name, const void *data,
                           size_t size, const struct stat *old) {
    AUTO_CLOSE int fd =
        openat(folder, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = file_write_all(fd, data, size);
    if (rc)
        return rc;
    if (fchown(fd, old->st_uid, old->st_gid))
        return -errno;
    rc = copy_attributes(folder, name, fd);
    if (rc)
        return rc;
    if (fchmod(fd, old->st_mode & 07777) || fsync(fd))
        return -errno;
    return compare(fd, data, size);
}

/* *old: the file as it was. */
static int publish(int folder, const char *name, const void *data, size_t size, struct stat *old) {
    if (fstatat(folder, name, old, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (!S_ISREG(old->st_mode))
        return -EINVAL;
    uint32_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return -EIO;
    char temporary[NAME_MAX + 1];
    snprintf(temporary, sizeof temporary, ".%.200s.prebake-%08x", name, random);
    int rc = write_temporary(folder, temporary, name, data, size, old);
    if (!rc && renameat(folder, temporary, folder, name))
        rc = -errno;
    if (rc)
        unlinkat(folder, temporary, 0);
    return rc;
}

int replace_file(const char *path, const void *data, size_t size, struct error *err) {
    AUTO_FREE char *real = realpath(path, NULL);
    if (!real)
        return error_io(err, errno, "can't find %s", path);
    const char *name = strrchr(real, '/') + 1;
    AUTO_CLOSE int folder = open_folder(real, name);
    struct stat old;
    int rc = folder < 0 ? folder : publish(folder, name, data, size, &old);
    if (rc)
        return error_io(err, -rc, "can't replace %s", path);
    if (old.st_nlink > 1)
        log_warning(
            "%s was replaced under this name only: its other names (hard links: %ju) keep the "
            "old, unsigned content",
            path, (uintmax_t)old.st_nlink - 1);
    return 0;
}
