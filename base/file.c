#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sendfile.h>

#include "base/tree.h"

static int too_large(struct error *err, const char *name, size_t max) {
    return error_set(err, ERROR_REFUSED, EFBIG, "%s is larger than %zu bytes", name, max);
}

int file_read_fd(int fd, const char *name, size_t max, struct buffer *out, struct error *err) {
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s", name);
    if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > max)
        return too_large(err, name, max);
    /* The size is only a hint: files of proc say 0, and a file may grow while it is read. */
    size_t expected = st.st_size > 0 && (uintmax_t)st.st_size <= max ? (size_t)st.st_size : 4096;
    for (off_t offset = 0;;) {
        if (buffer_reserve(out, expected))
            return error_oom(err, "reading a file");
        ssize_t got = pread(fd, out->data + out->size, expected, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_io(err, errno, "can't read %s", name);
        if (got == 0)
            return 0;
        out->size += (size_t)got;
        out->data[out->size] = 0;
        offset += got;
        if ((uintmax_t)offset > max)
            return too_large(err, name, max);
        expected = expected > (size_t)got ? expected - (size_t)got : 4096;
    }
}

int file_read_path(const char *path, size_t max, struct buffer *out, struct error *err) {
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_io(err, errno, "can't open %s", path);
    return file_read_fd(fd, path, max, out, err);
}

int file_read(const struct root *root, const char *path, size_t max, struct buffer *out,
              struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_file(root, path, &fd, err);
    return rc ? rc : file_read_fd(fd, path, max, out, err);
}

int file_read_following(const struct root *root, const char *path, size_t max, struct buffer *out,
                        struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_file_following(root, path, &fd, err);
    return rc ? rc : file_read_fd(fd, path, max, out, err);
}

ssize_t file_read_at(int fd, void *data, size_t size, off_t offset) {
    size_t have = 0;
    while (have < size) {
        ssize_t got = pread(fd, (uint8_t *)data + have, size - have, offset + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

int file_write_all(int fd, const void *data, size_t size) {
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t wrote = write(fd, at, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -errno;
        at += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

/* A name that the same folder does not have yet, and that says whose temporary it is. */
static int temporary_name(const char *name, char temporary[static NAME_MAX + 1]) {
    uint32_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return -EIO;
    int length = snprintf(temporary, NAME_MAX + 1, ".%.200s.prebake-%08x", name, random);
    return length > NAME_MAX ? -ENAMETOOLONG : 0;
}

#define TOKEN_LENGTH 8

/* ".<name>.prebake-XXXXXXXX", of `name` or of any. */
static bool is_temporary(const char *entry, const char *name) {
    size_t length = strlen(entry), tail = strlen(".prebake-") + TOKEN_LENGTH;
    if (entry[0] != '.' || length <= 1 + tail)
        return false;
    const char *end = entry + length - tail;
    return !strncmp(end, ".prebake-", tail - TOKEN_LENGTH) &&
           strspn(end + tail - TOKEN_LENGTH, "0123456789abcdef") == TOKEN_LENGTH &&
           (!name ||
            (strlen(name) == (size_t)(end - entry - 1) && !strncmp(entry + 1, name, strlen(name))));
}

int file_remove_temporaries(const struct root *root, const char *folder, const char *name,
                            struct error *err) {
    AUTO_STRLIST struct strlist entries = {0};
    int rc = root_list(root, folder, &entries, err);
    for (size_t i = 0; !rc && i < entries.count; i++) {
        if (!is_temporary(entries.items[i], name))
            continue;
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, entries.items[i]) < 0)
            return error_oom(err, "removing temporary files");
        rc = file_remove(root, path, err);
    }
    return rc;
}

/* Owner before mode: chown clears setuid bits. */
static int apply_meta(int fd, const struct file_meta *meta) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, meta->mtime};
    if (fchown(fd, meta->uid, meta->gid) || fchmod(fd, meta->mode))
        return -errno;
    if (meta->mtime.tv_nsec != UTIME_OMIT && futimens(fd, times))
        return -errno;
    return 0;
}

static int write_temporary(int parent, const char *temporary, const void *data, size_t size,
                           const struct file_meta *meta) {
    AUTO_CLOSE int fd =
        openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = file_write_all(fd, data, size);
    if (!rc)
        rc = apply_meta(fd, meta);
    return rc || !meta->durable || !fsync(fd) ? rc : -errno;
}

static int publish(const struct root *root, const char *path, const void *data, size_t size,
                   const struct file_meta *meta, unsigned rename_flags, struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, path, &parent, &name, err);
    if (rc)
        return rc;
    char temporary[NAME_MAX + 1];
    rc = temporary_name(name, temporary);
    if (rc)
        return error_io(err, -rc, "can't write %s%s", root->path, path);
    rc = write_temporary(parent, temporary, data, size, meta);
    if (!rc && renameat2(parent, temporary, parent, name, rename_flags))
        rc = -errno;
    if (!rc)
        return 0;
    unlinkat(parent, temporary, 0);
    if (rc == -EEXIST)
        return error_set(err, ERROR_REFUSED, EEXIST, "%s%s is already there", root->path, path);
    return error_io(err, -rc, "can't write %s%s", root->path, path);
}

int file_publish(const struct root *root, const char *path, const void *data, size_t size,
                 const struct file_meta *meta, struct error *err) {
    return publish(root, path, data, size, meta, 0, err);
}

int file_publish_new(const struct root *root, const char *path, const void *data, size_t size,
                     const struct file_meta *meta, struct error *err) {
    return publish(root, path, data, size, meta, RENAME_NOREPLACE, err);
}

int file_publish_link(const struct root *root, const char *path, const char *target,
                      struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, path, &parent, &name, err);
    if (rc)
        return rc;
    char temporary[NAME_MAX + 1];
    rc = temporary_name(name, temporary);
    if (!rc && symlinkat(target, parent, temporary))
        rc = -errno;
    if (!rc && renameat(parent, temporary, parent, name)) {
        rc = -errno;
        unlinkat(parent, temporary, 0);
    }
    return rc ? error_io(err, -rc, "can't create the link %s%s", root->path, path) : 0;
}

static int remove_in(const struct root *root, struct parent_folder *folder, const char *path,
                     int flags, struct error *err) {
    const char *name;
    struct error reason = {0};
    int rc = parent_folder_enter(folder, root, path, &name, &reason);
    if (rc == -ENOTDIR) /* below a file there is nothing */
        return -ENOENT;
    if (!rc && unlinkat(folder->fd, name, flags))
        rc = error_io(&reason, errno, "can't remove %s%s", root->path, path);
    /* Often expected: the caller decides, so that they come back without a sentence. */
    bool expected = rc == -ENOENT || rc == -EEXIST || rc == -ENOTEMPTY;
    if (rc && !expected && err)
        *err = reason;
    return rc;
}

int file_remove_next(const struct root *root, struct parent_folder *folder, const char *path,
                     struct error *err) {
    int rc = remove_in(root, folder, path, 0, err);
    return rc == -ENOENT ? 0 : rc;
}

int file_remove(const struct root *root, const char *path, struct error *err) {
    AUTO_PARENT_FOLDER struct parent_folder folder = PARENT_FOLDER_INIT;
    return file_remove_next(root, &folder, path, err);
}

int file_remove_dir_next(const struct root *root, struct parent_folder *folder, const char *path,
                         struct error *err) {
    int rc = remove_in(root, folder, path, AT_REMOVEDIR, err);
    return rc == -EEXIST ? -ENOTEMPTY : rc;
}

int file_remove_dir(const struct root *root, const char *path, struct error *err) {
    AUTO_PARENT_FOLDER struct parent_folder folder = PARENT_FOLDER_INIT;
    return file_remove_dir_next(root, &folder, path, err);
}

int file_remove_tree(const struct root *root, const char *path, struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    if (!root_exists(root, path))
        return 0;
    int rc = root_open_parent(root, path, &parent, &name, err);
    if (rc)
        return rc;
    rc = tree_remove(parent, name, err);
    return rc ? error_wrap(err, rc, "%s%s", root->path, path) : 0;
}

/* Shares the blocks where the file system can, else copies inside the kernel. What it can't do at
 * all (another file system, an old kernel) is left to whoever comes next. */
static int copy_range(int in, int out) {
    for (;;) {
        ssize_t moved = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
            errno != EOPNOTSUPP)
            return -errno;
        if (moved <= 0)
            return 0;
    }
}

int file_copy_fd(int in, int out, const char *name, struct error *err) {
    int rc = copy_range(in, out);
    if (rc)
        return error_io(err, -rc, "can't copy %s", name);
    for (;;) {
        ssize_t moved = sendfile(out, in, NULL, 1 << 30);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0)
            return error_io(err, errno, "can't copy %s", name);
        if (moved == 0)
            return 0;
    }
}

int file_sync_fs(const struct root *root, const char *path, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_dir(root, path, &fd, err);
    if (rc)
        return rc;
    return syncfs(fd) ? error_io(err, errno, "can't sync %s%s", root->path, path) : 0;
}
