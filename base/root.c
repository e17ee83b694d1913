#include "base/root.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/beneath.h"

#define LINKS_MAX 40 /* as the kernel */

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

static int refuse_untrusted(struct error *err, const struct root *root, const char *path,
                            const char *untrusted) {
    return error_set(err, ERROR_REFUSED, EPERM,
                     "refused to touch %s%s: %s%s is not root's alone (owner not root, or "
                     "writable by others), so that it could lead elsewhere",
                     root->path, path, root->path, untrusted);
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

int root_canonical(const struct root *root, const char *path, char **canonical, struct error *err) {
    AUTO_BENEATH_DIR struct beneath_dir dir = BENEATH_DIR_INIT;
    int rc = beneath_walk(root->fd, path, &dir);
    if (rc)
        return error_io(err, -rc, "can't find the directory %s%s", root->path, path);
    *canonical = STEAL(dir.path);
    return 0;
}

/* Appends the components of `rest` one by one to `resolved`, noting each path on the way. */
static int append_missing(char **resolved, const char *rest, struct strlist *missing) {
    for (rest += strspn(rest, "/"); *rest; rest += strspn(rest, "/")) {
        const char *component = rest;
        size_t length = strcspn(component, "/");
        rest += length;
        if (length == 1 && component[0] == '.')
            continue;
        const char *base = strcmp(*resolved, "/") ? *resolved : "";
        char *longer = NULL;
        if (asprintf(&longer, "%s/%.*s", base, (int)length, component) < 0)
            return -ENOMEM;
        free(*resolved);
        *resolved = longer;
        if (missing && strlist_add(missing, longer))
            return -ENOMEM;
    }
    return 0;
}

/*
 * Cuts `prefix`, a copy of a path, after the longest part that is there: a directory, or all of the
 * path when that is something else (a link that leads nowhere included).
 */
static int find_existing(const struct root *root, const char *path, char *prefix, bool *is_dir,
                         struct error *err) {
    for (;;) {
        struct stat st, itself;
        const char *at = *prefix ? prefix : "/";
        int rc = root_stat_following(root, at, &st);
        bool dangles = rc == -ENOENT && root_stat(root, at, &itself) == 0;
        bool is_last = path[strlen(prefix)] == '\0';
        *is_dir = !rc && S_ISDIR(st.st_mode);
        if (*is_dir || (is_last && (!rc || dangles)))
            return 0;
        if (dangles)
            return error_set(err, ERROR_REFUSED, ENOENT,
                             "%s%s is a link that leads nowhere, so that %s can't be made",
                             root->path, prefix, path);
        if (!rc)
            rc = -ENOTDIR;
        if (rc != -ENOENT)
            return error_io(err, -rc, "can't resolve %s%s", root->path, path);
        *strrchr(prefix, '/') = '\0';
    }
}

/* The existing directory `prefix`, canonical; a place must be reached by what root alone controls.
 */
static int canonical_prefix(const struct root *root, const char *path, const char *prefix,
                            bool is_place, char **canonical, struct error *err) {
    AUTO_BENEATH_DIR struct beneath_dir dir = BENEATH_DIR_INIT;
    int rc = beneath_walk(root->fd, prefix, &dir);
    if (rc)
        return error_io(err, -rc, "can't find the directory %s%s", root->path, prefix);
    if (is_place && dir.untrusted)
        return refuse_untrusted(err, root, path, dir.untrusted);
    *canonical = STEAL(dir.path);
    return 0;
}

static int resolve(const struct root *root, const char *path, bool is_place, char **resolved,
                   struct strlist *missing, struct error *err) {
    if (path[0] != '/' || has_dotdot(path))
        return refuse(err, root, path, "it is not a plain path beneath the root");
    AUTO_FREE char *prefix = strdup(path), *full = NULL;
    if (!prefix)
        return error_oom(err, "resolving a path");
    bool is_dir;
    int rc = find_existing(root, path, prefix, &is_dir, err);
    if (rc == -ENOTDIR && is_place)
        return refuse(err, root, path, "a part of it is a file and not a directory");
    if (rc)
        return rc;
    /* A last component that exists and is no directory is appended as it stands. */
    if (!is_dir) {
        *strrchr(prefix, '/') = '\0';
        missing = NULL;
    }
    rc = canonical_prefix(root, path, *prefix ? prefix : "/", is_place, &full, err);
    if (!rc && append_missing(&full, path + strlen(prefix), missing))
        rc = error_oom(err, "resolving a path");
    if (!rc)
        *resolved = STEAL(full);
    return rc;
}

int root_resolve(const struct root *root, const char *path, char **resolved,
                 struct strlist *missing, struct error *err) {
    return resolve(root, path, false, resolved, missing, err);
}

int root_resolve_place(const struct root *root, const char *path, char **resolved,
                       struct strlist *missing, struct error *err) {
    return resolve(root, path, true, resolved, missing, err);
}

/* Where the link `name` in `dir` leads, as a path with all that is to be resolved in it; NULL in
 * *target: it is no link. */
static int read_link_in(const struct beneath_dir *dir, const char *name, char **target) {
    char text[PATH_MAX];
    *target = NULL;
    ssize_t size = readlinkat(dir->fd, name, text, sizeof text);
    if (size < 0)
        return errno == EINVAL || errno == ENOENT ? 0 : -errno;
    bool is_absolute = size > 0 && text[0] == '/';
    return asprintf(target, "%s%s%.*s", is_absolute ? "" : dir->path, is_absolute ? "" : "/",
                    (int)size, text) < 0
               ? -ENOMEM
               : 0;
}

/* One link further: *path is replaced by where it leads, or *resolved is set. */
static int follow_once(const struct root *root, char **path, char **resolved) {
    AUTO_BENEATH_DIR struct beneath_dir dir = BENEATH_DIR_INIT;
    char *slash = strrchr(*path, '/'), *target = NULL;
    struct error ignored = {0};
    if (!slash || !slash[1] || !strcmp(slash, "/.") || !strcmp(slash, "/.."))
        return root_canonical(root, *path, resolved, &ignored);
    *slash = '\0';
    int rc = beneath_walk(root->fd, slash == *path ? "/" : *path, &dir);
    *slash = '/';
    if (rc == -ENOENT)
        return root_resolve(root, *path, resolved, NULL, &ignored);
    if (!rc)
        rc = read_link_in(&dir, slash + 1, &target);
    if (!rc && !target)
        return asprintf(resolved, "%s%s", strcmp(dir.path, "/") ? dir.path : "", slash) < 0
                   ? -ENOMEM
                   : 0;
    free(*path);
    *path = target;
    return rc;
}

int root_follow(const struct root *root, const char *path, char **resolved) {
    AUTO_FREE char *at = strdup(path);
    int rc = at ? 0 : -ENOMEM;
    *resolved = NULL;
    for (int links = 0; !rc && !*resolved; links++)
        rc = links > LINKS_MAX ? -ELOOP : follow_once(root, &at, resolved);
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
    AUTO_FREE char *parent = NULL;
    AUTO_BENEATH_DIR struct beneath_dir dir = BENEATH_DIR_INIT;
    int rc = split_parent(root, path, &parent, name, err);
    if (rc)
        return rc;
    rc = beneath_walk(root->fd, parent, &dir);
    if (!rc && dir.untrusted)
        return refuse_untrusted(err, root, path, dir.untrusted);
    int opened = rc ? rc : beneath_open(dir.fd, ".", O_RDONLY | O_DIRECTORY);
    if (opened < 0)
        return error_io(err, -opened, "can't open the folder of %s%s", root->path, path);
    *fd = opened;
    return 0;
}

int root_open_dir(const struct root *root, const char *path, int *fd, struct error *err) {
    int dir = beneath_open(root->fd, path, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return error_io(err, -dir, "can't open the directory %s%s", root->path, path);
    *fd = dir;
    return 0;
}

static int stat_in_root(const struct root *root, const char *path, int flags, struct stat *st) {
    AUTO_CLOSE int fd = beneath_open(root->fd, path, O_PATH | flags);
    if (fd < 0)
        return fd;
    return fstat(fd, st) ? -errno : 0;
}

/*
 * Looks before it opens: opening a device can start something. What is swapped in between is still
 * no danger: O_NONBLOCK does not wait on a fifo, and what was opened is looked at again.
 */
static int open_regular(const struct root *root, const char *path, int flags, int *fd,
                        struct error *err) {
    struct stat st;
    int rc = stat_in_root(root, path, flags, &st);
    if (!rc && S_ISLNK(st.st_mode))
        rc = -ELOOP;
    AUTO_CLOSE int file = -1;
    if (!rc && S_ISREG(st.st_mode)) {
        file = beneath_open(root->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);
        rc = file < 0 ? file : fstat(file, &st) ? -errno : 0;
    }
    if (rc)
        return error_io(err, -rc, "can't open %s%s", root->path, path);
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
    AUTO_CLOSE int fd = beneath_open(root->fd, path, O_PATH | O_NOFOLLOW);
    if (fd < 0)
        return fd;
    char text[PATH_MAX];
    ssize_t size = readlinkat(fd, "", text, sizeof text - 1);
    if (size < 0)
        return errno == ENOENT ? -EINVAL : -errno;
    *target = strndup(text, (size_t)size);
    return *target ? 0 : -ENOMEM;
}

static int in_the_way(struct error *err, const struct root *root, const char *path) {
    return error_set(err, ERROR_REFUSED, ENOTDIR, "%s%s is in the way: it is not a directory",
                     root->path, path);
}

bool root_is_directory(const struct root *root, const char *path) {
    struct stat st;
    return root_stat_following(root, path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Creates one directory whose parent exists; an existing directory is fine, also one that another
 * process made meanwhile. */
static int make_dir(const struct root *root, const char *path, mode_t mode, struct strlist *created,
                    struct error *err) {
    struct stat st;
    if (root_stat_following(root, path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        return in_the_way(err, root, path);
    }
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, path, &parent, &name, err);
    if (rc)
        return rc;
    /* With its mode from the start: killed here, it is no stricter than the umask makes it. */
    if (mkdirat(parent, name, mode)) {
        if (errno != EEXIST)
            return error_io(err, errno, "can't create the directory %s%s", root->path, path);
        return root_is_directory(root, path) ? 0 : in_the_way(err, root, path);
    }
    if (fchownat(parent, name, 0, 0, AT_SYMLINK_NOFOLLOW) || fchmodat(parent, name, mode, 0)) {
        rc = error_io(err, errno, "can't set the mode of %s%s", root->path, path);
        unlinkat(parent, name, AT_REMOVEDIR);
        return rc;
    }
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
    int fd = beneath_open(root->fd, path, O_RDONLY | O_DIRECTORY);
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
