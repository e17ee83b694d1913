#include "base/root.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

static int open_in_root(int root_fd, const char *path, int flags) {
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    for (;;) {
        long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        /* EAGAIN: a component was renamed while it was looked up. */
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

static int check_supported(const struct root *root, const char *path, struct error *err) {
    if (root_exists(root, "/run/ostree-booted") || root_exists(root, "/ostree/repo"))
        return error_set(err, ERROR_REFUSED, EPERM,
                         "%s is an OSTree deployment: its /usr is not changed in place; bake into "
                         "the image that the deployment is made from",
                         path);
    return 0;
}

static bool is_same_directory(int fd, const char *path) {
    struct stat a, b;
    return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int root_open(struct root *root, const char *path, struct error *err) {
    *root = (struct root)ROOT_INIT;
    AUTO_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_USAGE, errno, "--root %s: %s", path, strerror(errno));
    AUTO_FREE char *canonical = realpath(path, NULL);
    if (!canonical)
        return error_set(err, ERROR_USAGE, errno, "--root %s: %s", path, strerror(errno));
    if (!strcmp(canonical, "/"))
        canonical[0] = '\0';
    root->is_host = is_same_directory(fd, "/");
    root->fd = STEAL_FD(fd);
    root->path = STEAL(canonical);
    int rc = check_supported(root, path, err);
    if (rc)
        root_close(root);
    return rc;
}

void root_close(struct root *root) {
    cleanup_close(&root->fd);
    free(root->path);
    *root = (struct root)ROOT_INIT;
}

char *root_host_path(const struct root *root, const char *path) {
    char *joined = NULL;
    const char *slash = path[0] == '/' ? "" : "/";
    return asprintf(&joined, "%s%s%s", root->path, slash, path) < 0 ? NULL : joined;
}

static int refuse(struct error *err, const struct root *root, const char *path, const char *why) {
    return error_set(err, ERROR_REFUSED, EPERM, "refused to touch %s%s: %s", root->path, path, why);
}

/* "a/../b" could be harmless, but nothing that prebake writes or reads needs it. */
static bool has_dotdot(const char *path) {
    for (const char *at = path; *at;) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.')
            return true;
        at += length;
    }
    return false;
}

static bool is_trusted_directory(const struct stat *st) {
    bool others_write = (st->st_mode & 022) && !(st->st_mode & S_ISVTX);
    return st->st_uid == 0 && !others_write;
}

/*
 * Walks the canonical `path` one component at a time, no link followed: whoever may write one of
 * these directories could redirect what root is about to do.
 */
static int check_trusted(const struct root *root, const char *path, struct error *err) {
    AUTO_CLOSE int at = open_in_root(root->fd, "/", O_PATH | O_DIRECTORY);
    if (at < 0)
        return error_io(err, -at, "can't open %s/", root->path);
    const char *rest = path;
    for (;;) {
        struct stat st;
        if (fstat(at, &st))
            return error_io(err, errno, "can't look at %s%s", root->path, path);
        if (!is_trusted_directory(&st))
            return refuse(err, root, path,
                          "a directory on the way to it is not root's or is writable by others");
        rest += strspn(rest, "/");
        if (!*rest)
            return 0;
        size_t length = strcspn(rest, "/");
        char component[NAME_MAX + 1];
        if (length > NAME_MAX)
            return refuse(err, root, path, "a name in it is too long");
        memcpy(component, rest, length);
        component[length] = '\0';
        int next = openat(at, component, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return error_io(err, errno, "can't open %s%s", root->path, path);
        close(at);
        at = next;
        rest += length;
    }
}

/* The kernel's own word for where a descriptor leads, as a path inside the root. */
static int descriptor_path(const struct root *root, int fd, char **inside) {
    char link[64], full[PATH_MAX], base[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, full, sizeof full - 1);
    if (size < 0)
        return -errno;
    full[size] = '\0';
    snprintf(link, sizeof link, "/proc/self/fd/%d", root->fd);
    size = readlink(link, base, sizeof base - 1);
    if (size < 0)
        return -errno;
    base[size] = '\0';
    size_t skip = strcmp(base, "/") ? strlen(base) : 0;
    if (strncmp(full, base, skip) || (full[skip] != '/' && full[skip] != '\0'))
        return -EXDEV;
    *inside = strdup(full[skip] ? full + skip : "/");
    return *inside ? 0 : -ENOMEM;
}

int root_canonical(const struct root *root, const char *path, char **canonical, struct error *err) {
    AUTO_CLOSE int fd = open_in_root(root->fd, path, O_PATH | O_DIRECTORY);
    int rc = fd < 0 ? fd : descriptor_path(root, fd, canonical);
    return rc ? error_io(err, -rc, "can't find the directory %s%s", root->path, path) : 0;
}

/* Appends the components of `rest` one by one to `resolved`, noting each path on the way. */
static int append_missing(char **resolved, const char *rest, struct strlist *missing) {
    for (rest += strspn(rest, "/"); *rest; rest += strspn(rest, "/")) {
        size_t length = strcspn(rest, "/");
        const char *base = strcmp(*resolved, "/") ? *resolved : "";
        char *longer = NULL;
        if (asprintf(&longer, "%s/%.*s", base, (int)length, rest) < 0)
            return -ENOMEM;
        free(*resolved);
        *resolved = longer;
        if (missing && strlist_add(missing, longer))
            return -ENOMEM;
        rest += length;
    }
    return 0;
}

int root_resolve(const struct root *root, const char *path, char **resolved,
                 struct strlist *missing, struct error *err) {
    if (path[0] != '/' || has_dotdot(path))
        return refuse(err, root, path, "it is not a plain path beneath the root");
    AUTO_FREE char *prefix = strdup(path);
    if (!prefix)
        return error_oom(err, "resolving a path");
    struct stat st;
    int rc;
    while ((rc = root_stat_following(root, *prefix ? prefix : "/", &st)) == -ENOENT)
        *strrchr(prefix, '/') = '\0';
    size_t kept = strlen(prefix);
    if (!rc && !S_ISDIR(st.st_mode) && path[kept])
        rc = -ENOTDIR;
    if (rc)
        return error_io(err, -rc, "can't resolve %s%s", root->path, path);
    /* A last component that exists and is no directory is appended as it stands. */
    if (!S_ISDIR(st.st_mode)) {
        *strrchr(prefix, '/') = '\0';
        kept = strlen(prefix);
        missing = NULL;
    }
    AUTO_FREE char *full = NULL;
    rc = root_canonical(root, *prefix ? prefix : "/", &full, err);
    if (!rc && append_missing(&full, path + kept, missing))
        rc = error_oom(err, "resolving a path");
    if (!rc)
        *resolved = STEAL(full);
    return rc;
}

static int split_parent(const struct root *root, const char *path, char **parent, const char **name,
                        struct error *err) {
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (!**name || !strcmp(*name, ".") || has_dotdot(path))
        return refuse(err, root, path, "it is not a plain path beneath the root");
    *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("/");
    return *parent ? 0 : error_oom(err, "resolving a path");
}

int root_open_parent(const struct root *root, const char *path, int *fd, const char **name,
                     struct error *err) {
    AUTO_FREE char *parent = NULL, *canonical = NULL;
    int rc = split_parent(root, path, &parent, name, err);
    if (rc)
        return rc;
    AUTO_CLOSE int dir = open_in_root(root->fd, parent, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return error_io(err, -dir, "can't open the folder of %s%s", root->path, path);
    rc = descriptor_path(root, dir, &canonical);
    if (rc)
        return error_io(err, -rc, "can't resolve %s%s", root->path, path);
    rc = check_trusted(root, canonical, err);
    if (rc)
        return rc;
    *fd = STEAL_FD(dir);
    return 0;
}

int root_open_dir(const struct root *root, const char *path, int *fd, struct error *err) {
    int dir = open_in_root(root->fd, path, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return error_io(err, -dir, "can't open the directory %s%s", root->path, path);
    *fd = dir;
    return 0;
}

static int open_regular(const struct root *root, const char *path, int flags, int *fd,
                        struct error *err) {
    /* O_NONBLOCK: a planted fifo must not hang us. */
    AUTO_CLOSE int file = open_in_root(root->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);
    if (file < 0)
        return error_io(err, -file, "can't open %s%s", root->path, path);
    struct stat st;
    if (fstat(file, &st))
        return error_io(err, errno, "can't look at %s%s", root->path, path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_REFUSED, EINVAL, "%s%s is not a regular file", root->path,
                         path);
    *fd = STEAL_FD(file);
    return 0;
}

int root_open_file(const struct root *root, const char *path, int *fd, struct error *err) {
    return open_regular(root, path, O_NOFOLLOW, fd, err);
}

int root_open_file_following(const struct root *root, const char *path, int *fd,
                             struct error *err) {
    return open_regular(root, path, 0, fd, err);
}

static int stat_in_root(const struct root *root, const char *path, int flags, struct stat *st) {
    AUTO_CLOSE int fd = open_in_root(root->fd, path, O_PATH | flags);
    if (fd < 0)
        return fd;
    return fstat(fd, st) ? -errno : 0;
}

int root_stat(const struct root *root, const char *path, struct stat *st) {
    return stat_in_root(root, path, O_NOFOLLOW, st);
}

int root_stat_following(const struct root *root, const char *path, struct stat *st) {
    return stat_in_root(root, path, 0, st);
}

bool root_exists(const struct root *root, const char *path) {
    struct stat st;
    return root_stat(root, path, &st) == 0;
}

int root_read_link(const struct root *root, const char *path, char **target) {
    AUTO_CLOSE int fd = open_in_root(root->fd, path, O_PATH | O_NOFOLLOW);
    if (fd < 0)
        return fd;
    char text[PATH_MAX];
    ssize_t size = readlinkat(fd, "", text, sizeof text - 1);
    if (size < 0)
        return errno == ENOENT ? -EINVAL : -errno;
    *target = strndup(text, (size_t)size);
    return *target ? 0 : -ENOMEM;
}

/* Creates one directory whose parent exists; an existing directory is fine. */
static int make_dir(const struct root *root, const char *path, mode_t mode, struct strlist *created,
                    struct error *err) {
    struct stat st;
    if (root_stat_following(root, path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        return error_set(err, ERROR_REFUSED, ENOTDIR, "%s%s is in the way: it is not a directory",
                         root->path, path);
    }
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, path, &parent, &name, err);
    if (rc)
        return rc;
    if (mkdirat(parent, name, 0700))
        return error_io(err, errno, "can't create the directory %s%s", root->path, path);
    if (fchownat(parent, name, 0, 0, AT_SYMLINK_NOFOLLOW) || fchmodat(parent, name, mode, 0))
        return error_io(err, errno, "can't set the mode of %s%s", root->path, path);
    AUTO_FREE char *canonical = NULL;
    rc = root_canonical(root, path, &canonical, err);
    if (!rc && created && strlist_add(created, canonical))
        rc = error_oom(err, "creating directories");
    return rc;
}

int root_make_dirs(const struct root *root, const char *path, mode_t mode, struct strlist *created,
                   struct error *err) {
    if (has_dotdot(path))
        return refuse(err, root, path, "it is not a plain path beneath the root");
    AUTO_FREE char *prefix = strdup(path);
    if (!prefix)
        return error_oom(err, "creating directories");
    for (size_t at = 1; prefix[at - 1]; at++) {
        if (prefix[at] != '/' && prefix[at] != '\0')
            continue;
        char kept = prefix[at];
        prefix[at] = '\0';
        int rc = prefix[at - 1] == '/' ? 0 : make_dir(root, prefix, mode, created, err);
        prefix[at] = kept;
        if (rc)
            return rc;
    }
    return 0;
}

int root_list(const struct root *root, const char *path, struct strlist *names, struct error *err) {
    int fd = open_in_root(root->fd, path, O_RDONLY | O_DIRECTORY);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return error_io(err, -fd, "can't read the directory %s%s", root->path, path);
    AUTO_CLOSEDIR DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return error_oom(err, "reading a directory");
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            return error_io(err, errno, "can't read the directory %s%s", root->path, path);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            strlist_add(names, entry->d_name))
            return error_oom(err, "reading a directory");
    }
    strlist_sort(names);
    return 0;
}
