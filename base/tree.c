#include "base/tree.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/strlist.h"

#define DEPTH_MAX 64

/* The names in the directory `fd`, sorted. */
static int names_in(int fd, const char *name, struct strlist *names, struct error *err) {
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir) {
        int saved = errno;
        cleanup_close(&again);
        return error_io(err, saved, "can't read the directory %s", name);
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            return error_io(err, errno, "can't read the directory %s", name);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            strlist_add(names, entry->d_name))
            return error_oom(err, "reading a directory");
    }
    strlist_sort(names);
    return 0;
}

/*
 * Whether the open directory is one that something is mounted on. The device number would not tell:
 * a bind mount of the same file system has the same.
 */
static bool is_mount_point(int fd) {
    struct statx st;
    return statx(fd, "", AT_EMPTY_PATH, 0, &st) == 0 &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int refuse_mount(struct error *err, const char *folder, const char *path) {
    return error_set(err, ERROR_REFUSED, EXDEV,
                     "%s%s%s is a mount point, and other file systems are not entered: unmount it",
                     folder, *folder ? "/" : "", path);
}

struct walk {
    const char *name;
    int (*visit)(void *context, const struct tree_entry *entry, struct error *err);
    void *context;
};

static int walk_dir(const struct walk *walk, int fd, const char *prefix, unsigned depth,
                    struct error *err);

static int walk_entry(const struct walk *walk, int parent, const char *prefix, const char *name,
                      unsigned depth, struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s%s%s", prefix, *prefix ? "/" : "", name) < 0)
        return error_oom(err, "walking a directory");
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
        return error_io(err, errno, "can't look at %s/%s", walk->name, path);
    struct tree_entry entry = {.path = path, .parent = parent, .name = name, .st = &st};
    int rc = walk->visit(walk->context, &entry, err);
    if (rc || !S_ISDIR(st.st_mode))
        return rc;
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s/%s", walk->name, path);
    if (is_mount_point(fd))
        return refuse_mount(err, walk->name, path);
    return walk_dir(walk, fd, path, depth + 1, err);
}

static int walk_dir(const struct walk *walk, int fd, const char *prefix, unsigned depth,
                    struct error *err) {
    if (depth > DEPTH_MAX)
        return error_set(err, ERROR_REFUSED, ELOOP, "%s/%s is nested deeper than %d levels",
                         walk->name, prefix, DEPTH_MAX);
    AUTO_STRLIST struct strlist names = {0};
    int rc = names_in(fd, walk->name, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        rc = walk_entry(walk, fd, prefix, names.items[i], depth, err);
    return rc;
}

int tree_walk(int fd, const char *name,
              int (*visit)(void *context, const struct tree_entry *entry, struct error *err),
              void *context, struct error *err) {
    struct walk walk = {.name = name, .visit = visit, .context = context};
    return walk_dir(&walk, fd, "", 0, err);
}

static int remove_below(int parent, const char *name, unsigned depth, struct error *err);

/* Empties an open directory; goes on past failures, returns the first. */
static int empty_dir(int fd, const char *name, unsigned depth, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int first = names_in(fd, name, &names, err);
    for (size_t i = 0; i < names.count; i++) {
        int rc = remove_below(fd, names.items[i], depth + 1, first ? NULL : err);
        first = first ? first : rc;
    }
    return first;
}

static int remove_below(int parent, const char *name, unsigned depth, struct error *err) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return error_io(err, errno, "can't remove %s", name);
    if (depth > DEPTH_MAX)
        return error_set(err, ERROR_REFUSED, ELOOP, "%s is nested too deep to remove", name);
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't remove %s", name);
    if (is_mount_point(fd))
        return refuse_mount(err, "", name);
    int rc = empty_dir(fd, name, depth, err);
    if (!rc && unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT)
        rc = error_io(err, errno, "can't remove the directory %s", name);
    return rc;
}

int tree_remove(int parent, const char *name, struct error *err) {
    return remove_below(parent, name, 0, err);
}

/* What of a mode is kept: a copy is root's, so nobody else may write to it, whoever could before.
 */
#define MODE_KEPT 0755

struct copy {
    int to;
    const char *name;
};

static int copy_file(const struct copy *copy, const struct tree_entry *entry, struct error *err) {
    /* O_NONBLOCK: what was a file a moment ago may be a fifo now. */
    AUTO_CLOSE int in =
        openat(entry->parent, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    AUTO_CLOSE int out =
        in < 0 ? -1 : openat(copy->to, entry->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (in < 0 || out < 0)
        return error_io(err, errno, "can't copy %s", entry->path);
    int rc = file_copy_fd(in, out, entry->path, err);
    if (rc)
        return rc;
    struct timespec times[2] = {entry->st->st_atim, entry->st->st_mtim};
    if (fchmod(out, entry->st->st_mode & MODE_KEPT) || futimens(out, times))
        return error_io(err, errno, "can't set the mode of %s", entry->path);
    return 0;
}

static int copy_link(const struct copy *copy, const struct tree_entry *entry, struct error *err) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(entry->parent, entry->name, target, sizeof target - 1);
    if (size < 0)
        return error_io(err, errno, "can't read the link %s", entry->path);
    target[size] = '\0';
    struct timespec times[2] = {entry->st->st_atim, entry->st->st_mtim};
    if (symlinkat(target, copy->to, entry->path) ||
        utimensat(copy->to, entry->path, times, AT_SYMLINK_NOFOLLOW))
        return error_io(err, errno, "can't copy the link %s", entry->path);
    return 0;
}

static int copy_entry(void *context, const struct tree_entry *entry, struct error *err) {
    const struct copy *copy = context;
    if (S_ISREG(entry->st->st_mode))
        return copy_file(copy, entry, err);
    if (S_ISLNK(entry->st->st_mode))
        return copy_link(copy, entry, err);
    if (!S_ISDIR(entry->st->st_mode))
        return error_set(err, ERROR_REFUSED, EINVAL,
                         "%s/%s is neither a file, a directory nor a link", copy->name,
                         entry->path);
    if (mkdirat(copy->to, entry->path, 0700) ||
        fchmodat(copy->to, entry->path, (entry->st->st_mode & MODE_KEPT) | 0700, 0))
        return error_io(err, errno, "can't create the directory %s", entry->path);
    return 0;
}

int tree_copy(int from, int parent, const char *name, struct error *err) {
    struct stat st;
    if (fstat(from, &st))
        return error_io(err, errno, "can't look at %s", name);
    if (mkdirat(parent, name, 0700))
        return error_io(err, errno, "can't create the directory %s", name);
    AUTO_CLOSE int to = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0 || fchmod(to, (st.st_mode & MODE_KEPT) | 0700))
        return error_io(err, errno, "can't open the directory %s", name);
    struct copy copy = {.to = to, .name = name};
    return tree_walk(from, name, copy_entry, &copy, err);
}
