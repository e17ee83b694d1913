#include "toolchain/mirror.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

int mirror_clone(int from, const char *name) {
    int tree = open_tree(from, name,
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW |
                             AT_EMPTY_PATH);
    return tree < 0 ? -errno : tree;
}

int mirror_attach(int tree, int to, const char *name) {
    return move_mount(tree, "", to, name, MOVE_MOUNT_F_EMPTY_PATH) ? -errno : 0;
}

static int mirror_link(int from, int to, const char *name) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(from, name, target, sizeof target - 1);
    if (size < 0)
        return -errno;
    target[size] = '\0';
    return symlinkat(target, to, name) ? -errno : 0;
}

int mirror_entry(int from, int to, const char *name) {
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : -errno;
    if (S_ISLNK(st.st_mode))
        return mirror_link(from, to, name);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
        return 0;
    if (S_ISDIR(st.st_mode) ? mkdirat(to, name, 0755) : mknodat(to, name, S_IFREG | 0444, 0))
        return -errno;
    AUTO_CLOSE int tree = mirror_clone(from, name);
    return tree < 0 ? tree : mirror_attach(tree, to, name);
}

int mirror_dir(int from, int to, mirror_filter take) {
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir)
        return -errno;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return -errno;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || !take(entry->d_name))
            continue;
        int rc = mirror_entry(from, to, entry->d_name);
        if (rc)
            return rc;
    }
}
