#include "base/parent_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/beneath.h"

/* How much of `path` names its folder. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

bool parent_folder_holds(const struct parent_folder *folder, const char *path) {
    size_t length = folder_length(path);
    return folder->fd >= 0 && length && path[length] && strlen(folder->path) == length &&
           !memcmp(folder->path, path, length);
}

static bool is_on_the_way(const struct parent_folder *folder) {
    return folder->depth && folder->fd == folder->way[folder->depth - 1].fd;
}

/* Back to the last folder that both ways share. */
static void go_back(struct parent_folder *folder, const char *path, size_t length) {
    if (!is_on_the_way(folder))
        cleanup_close(&folder->fd);
    folder->fd = -1;
    while (folder->depth) {
        struct parent_folder_step *last = &folder->way[folder->depth - 1];
        if (last->length <= length && !memcmp(folder->path, path, last->length))
            return;
        cleanup_close(&last->fd);
        folder->depth--;
    }
}

/* Takes `fd`, or −errno. Only what root alone controls is of use. */
static int add_step(struct parent_folder *folder, int fd, size_t length) {
    AUTO_CLOSE int opened = fd;
    struct stat st;
    if (opened < 0)
        return opened;
    if (fstat(opened, &st))
        return -errno;
    if (beneath_is_untrusted(&st))
        return -EPERM;
    folder->way[folder->depth++] =
        (struct parent_folder_step){.fd = STEAL_FD(opened), .length = length};
    return 0;
}

/* "", "." and ".." are no steps. */
static int open_step(const struct parent_folder *folder, const char *component, size_t length) {
    char name[NAME_MAX + 1];
    if (length == 0 || length > NAME_MAX || folder->depth == PARENT_FOLDER_DEPTH)
        return -EINVAL;
    memcpy(name, component, length);
    name[length] = '\0';
    if (!strcmp(name, ".") || !strcmp(name, ".."))
        return -EINVAL;
    int fd = openat(folder->way[folder->depth - 1].fd, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* On from where both ways part. What is no plain way is an error. */
static int go_on(struct parent_folder *folder, const struct root *root, const char *path,
                 size_t length) {
    if (length == 0 || path[0] != '/')
        return -EINVAL;
    int rc = folder->depth ? 0 : add_step(folder, beneath_open(root->fd, "/", O_RDONLY), 1);
    while (!rc && folder->way[folder->depth - 1].length < length) {
        size_t at = folder->way[folder->depth - 1].length;
        size_t size = strcspn(path + at, "/");
        rc = add_step(folder, open_step(folder, path + at, size), at + size + 1);
    }
    return rc;
}

static int remember(struct parent_folder *folder, const char *path, size_t length) {
    char *copy = strndup(path, length);
    if (!copy)
        return -ENOMEM;
    free(folder->path);
    folder->path = copy;
    return 0;
}

int parent_folder_enter(struct parent_folder *folder, const struct root *root, const char *path,
                        const char **name, struct error *err) {
    size_t length = folder_length(path);
    *name = path + length;
    if (parent_folder_holds(folder, path))
        return 0;
    go_back(folder, path, length);
    int rc = remember(folder, path, length);
    if (rc) {
        parent_folder_release(folder);
        return error_oom(err, "opening a folder");
    }
    rc = **name ? go_on(folder, root, path, length) : -EINVAL;
    folder->exact = rc == 0 || rc == -ENOENT;
    if (rc == -ENOENT)
        return error_io(err, ENOENT, "can't open the folder of %s%s", root->path, path);
    if (rc)
        return root_open_parent(root, path, &folder->fd, name, err);
    folder->fd = folder->way[folder->depth - 1].fd;
    return 0;
}

int parent_folder_stat(struct parent_folder *folder, const struct root *root, const char *path,
                       struct stat *st) {
    const char *name;
    int rc = parent_folder_enter(folder, root, path, &name, NULL);
    if (!folder->exact)
        return -ELOOP;
    return rc ? rc : fstatat(folder->fd, name, st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

void parent_folder_release(struct parent_folder *folder) {
    if (!is_on_the_way(folder))
        cleanup_close(&folder->fd);
    while (folder->depth)
        cleanup_close(&folder->way[--folder->depth].fd);
    free(folder->path);
    *folder = (struct parent_folder)PARENT_FOLDER_INIT;
}
