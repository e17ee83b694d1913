#include "kmod/system/compared_files.h"

#include <string.h>

#include "base/timestamp.h"

int compared_files_add(struct compared_files *files, const struct compared_pair *pair) {
    struct compared_pair *items = reallocarray(files->items, files->count + 1, sizeof *items);
    if (!items)
        return -ENOMEM;
    files->items = items;
    items[files->count++] = *pair;
    return 0;
}

struct compared_pair compared_files_pair(const struct stat *one, const struct stat *other) {
    return (struct compared_pair){
        .inode = one->st_ino,
        .ctime_ns = timestamp_ns(one->st_ctim),
        .other_inode = other->st_ino,
        .other_ctime_ns = timestamp_ns(other->st_ctim),
    };
}

static bool is_equal(const struct compared_pair *one, const struct compared_pair *other) {
    return one->inode == other->inode && one->ctime_ns == other->ctime_ns &&
           one->other_inode == other->other_inode && one->other_ctime_ns == other->other_ctime_ns;
}

bool compared_files_have(const struct compared_files *files, const struct stat *one,
                         const struct stat *other) {
    const struct compared_pair wanted = compared_files_pair(one, other);
    for (size_t i = 0; files && i < files->count; i++)
        if (is_equal(&files->items[i], &wanted))
            return true;
    return false;
}

bool compared_files_equal(const struct compared_files *one, const struct compared_files *other) {
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (!is_equal(&one->items[i], &other->items[i]))
            return false;
    return true;
}

void compared_files_release(struct compared_files *files) {
    free(files->items);
    *files = (struct compared_files){0};
}
