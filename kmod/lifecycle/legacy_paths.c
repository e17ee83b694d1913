#include "kmod/lifecycle/legacy_paths.h"

#include <string.h>

struct legacy_path *legacy_paths_add(struct legacy_paths *paths, enum legacy_class class,
                                     const char *path) {
    struct legacy_path *items = reallocarray(paths->items, paths->count + 1, sizeof *items);
    if (!items)
        return NULL;
    paths->items = items;
    struct legacy_path *item = &items[paths->count];
    *item = (struct legacy_path){.class = class, .path = strdup(path)};
    if (!item->path)
        return NULL;
    paths->count++;
    return item;
}

const struct legacy_path *legacy_paths_find_ours(const struct legacy_paths *paths,
                                                 const char *path) {
    for (size_t i = 0; i < paths->count; i++)
        if (paths->items[i].ours && !strcmp(paths->items[i].path, path))
            return &paths->items[i];
    return NULL;
}

void legacy_paths_release(struct legacy_paths *paths) {
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i].path);
    free(paths->items);
    *paths = (struct legacy_paths){0};
}
