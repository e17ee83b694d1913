#include "kmod/lifecycle/placing_space.h"

#include <string.h>
#include <sys/statvfs.h>

#define FILE_SYSTEMS_MAX 16 /* of one root; more are not looked at */
#define BLOCK 4096
/* For names, directories, the journal, manifest and facts. */
#define RESERVE (1U << 20)

/* What one of them has to take. */
struct need {
    dev_t device;
    char *folder; /* the first one that something goes to */
    uint64_t free;
    uint64_t bytes;
};

struct needs {
    struct need items[FILE_SYSTEMS_MAX];
    size_t count;
};

static void release(struct needs *needs) {
    for (size_t i = 0; i < needs->count; i++)
        free(needs->items[i].folder);
}

static uint64_t size_of(const struct placing_item *item) {
    struct stat st;
    uint64_t size = item->content.size;
    if (item->kind == PLACING_COPY && lstat(item->from, &st) == 0)
        size = (uint64_t)st.st_size;
    return item->kind == PLACING_TWIN ? 0 : (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* The file system of the innermost folder on the way to `path` that is there. */
static int find_folder(const struct root *root, char *path, struct stat *st) {
    int rc;
    do {
        *strrchr(path, '/') = '\0';
        rc = root_stat_following(root, *path ? path : "/", st);
    } while (rc == -ENOENT && *path);
    return rc;
}

static int add_file_system(const struct root *root, const char *folder, dev_t device,
                           struct needs *needs, struct error *err) {
    AUTO_CLOSE int fd = -1;
    struct statvfs fs;
    int rc = root_open_dir(root, *folder ? folder : "/", &fd, err);
    if (rc)
        return rc;
    if (fstatvfs(fd, &fs))
        return error_io(err, errno, "can't look at the file system of %s%s", root->path, folder);
    /* One that does not count its blocks is taken to have enough. */
    uint64_t free = fs.f_blocks ? (uint64_t)fs.f_bfree * fs.f_frsize : UINT64_MAX;
    struct need need = {.device = device, .folder = strdup(folder), .free = free, .bytes = RESERVE};
    if (!need.folder)
        return error_oom(err, "looking for room");
    needs->items[needs->count++] = need;
    return 0;
}

static int add_item(const struct root *root, const struct placing_item *item, struct needs *needs,
                    struct error *err) {
    AUTO_FREE char *path = strdup(item->path);
    struct stat st;
    if (!path)
        return error_oom(err, "looking for room");
    int rc = find_folder(root, path, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, path);
    size_t i = 0;
    while (i < needs->count && needs->items[i].device != st.st_dev)
        i++;
    if (i == FILE_SYSTEMS_MAX)
        return 0;
    if (i == needs->count)
        rc = add_file_system(root, path, st.st_dev, needs, err);
    if (!rc)
        needs->items[i].bytes += size_of(item);
    return rc;
}

static double mebibytes(uint64_t bytes) {
    return (double)bytes / (1 << 20);
}

int placing_space_check(const struct placing *placing, const struct root *root, struct error *err) {
    AUTO(release) struct needs needs = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < placing->count; i++)
        rc = add_item(root, &placing->items[i], &needs, err);
    for (size_t i = 0; !rc && i < needs.count; i++) {
        const struct need *need = &needs.items[i];
        if (need->bytes > need->free)
            rc = error_set(err, ERROR_NO_SPACE, ENOSPC,
                           "%s%s: %.1f MiB are needed for what the bake places, %.1f MiB are free; "
                           "nothing was placed",
                           root->path, *need->folder ? need->folder : "/", mebibytes(need->bytes),
                           mebibytes(need->free));
    }
    return rc;
}
