#include "base/beneath.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#define LINKS_MAX 40 /* as the kernel */

int beneath_resolve(int top, const char *path, int flags, unsigned resolve) {
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .resolve = resolve | RESOLVE_NO_MAGICLINKS};
    for (;;) {
        long fd = syscall(SYS_openat2, top, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        /* EAGAIN: while ".." was looked up, something was renamed or mounted, anywhere. */
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

int beneath_open(int top, const char *path, int flags) {
    return beneath_resolve(top, path, flags, RESOLVE_IN_ROOT);
}

bool beneath_is_untrusted(const struct stat *dir) {
    bool others_write = (dir->st_mode & 022) && !(dir->st_mode & S_ISVTX);
    return dir->st_uid != 0 || others_write;
}

struct walk {
    int top;
    struct beneath_dir *at; /* its path is "" at the top while the walk lasts */
    char *text;             /* holds `rest` */
    const char *rest;       /* what is still to be walked */
    unsigned links;
};

static int note_untrusted(struct beneath_dir *at, const char *path) {
    if (!at->untrusted)
        at->untrusted = strdup(*path ? path : "/");
    return at->untrusted ? 0 : -ENOMEM;
}

/* The walk is now at the directory `fd` (or −errno), which is `path`. Takes both. */
static int arrive(struct walk *walk, int fd, char *path) {
    free(walk->at->path);
    walk->at->path = path;
    if (fd < 0)
        return fd;
    cleanup_close(&walk->at->fd);
    walk->at->fd = fd;
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    return beneath_is_untrusted(&st) ? note_untrusted(walk->at, path) : 0;
}

/* Goes to the directory whose path is the first `length` bytes of where the walk is. */
static int go_back(struct walk *walk, size_t length) {
    char *path = length ? strndup(walk->at->path, length) : strdup("");
    if (!path)
        return -ENOMEM;
    return arrive(walk, beneath_open(walk->top, length ? path : "/", O_PATH | O_DIRECTORY), path);
}

static int go_up(struct walk *walk) {
    const char *slash = strrchr(walk->at->path, '/');
    return go_back(walk, slash ? (size_t)(slash - walk->at->path) : 0);
}

/* Takes `fd`. */
static int go_down(struct walk *walk, const char *name, int fd) {
    char *path = NULL;
    if (asprintf(&path, "%s/%s", walk->at->path, name) < 0) {
        close(fd);
        return -ENOMEM;
    }
    return arrive(walk, fd, path);
}

/* A sticky directory is shared: who made a link in it decides where it leads. */
static int judge_link(struct walk *walk, const char *name) {
    struct stat st;
    if (fstatat(walk->at->fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (st.st_uid == 0)
        return 0;
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", walk->at->path, name) < 0)
        return -ENOMEM;
    return note_untrusted(walk->at, path);
}

/* Puts the link's target in front of what is still to be walked. */
static int follow(struct walk *walk, const char *target, size_t size) {
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    char *text = NULL;
    if (asprintf(&text, "%.*s/%s", (int)size, target, walk->rest) < 0)
        return -ENOMEM;
    free(walk->text);
    walk->text = text;
    walk->rest = text;
    return text[0] == '/' ? go_back(walk, 0) : 0;
}

static int step(struct walk *walk) {
    size_t length = strcspn(walk->rest, "/");
    char name[NAME_MAX + 1], target[PATH_MAX];
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(name, walk->rest, length);
    name[length] = '\0';
    walk->rest += length;
    if (!strcmp(name, "."))
        return 0;
    if (!strcmp(name, ".."))
        return go_up(walk);
    /* Most are directories. */
    int fd = openat(walk->at->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return go_down(walk, name, fd);
    if (errno != ENOTDIR && errno != ELOOP)
        return -errno;
    ssize_t size = readlinkat(walk->at->fd, name, target, sizeof target);
    if (size < 0)
        return errno == EINVAL ? -ENOTDIR : -errno;
    int rc = judge_link(walk, name);
    return rc ? rc : follow(walk, target, (size_t)size);
}

static int walk_all(struct walk *walk) {
    int rc = walk->text ? go_back(walk, 0) : -ENOMEM;
    while (!rc) {
        walk->rest += strspn(walk->rest, "/");
        if (!*walk->rest)
            break;
        rc = step(walk);
    }
    if (!rc && !*walk->at->path) {
        free(walk->at->path);
        walk->at->path = strdup("/");
        rc = walk->at->path ? 0 : -ENOMEM;
    }
    return rc;
}

int beneath_walk(int top, const char *path, struct beneath_dir *dir) {
    *dir = (struct beneath_dir)BENEATH_DIR_INIT;
    struct walk walk = {.top = top, .at = dir, .text = strdup(path)};
    walk.rest = walk.text;
    int rc = walk_all(&walk);
    free(walk.text);
    return rc;
}

void beneath_dir_release(struct beneath_dir *dir) {
    cleanup_close(&dir->fd);
    free(dir->path);
    free(dir->untrusted);
    *dir = (struct beneath_dir)BENEATH_DIR_INIT;
}
