#include "builder/userspace_placing.h"

#include <string.h>

#include "builder/reserved_place.h"

static int check_place(const struct root *root, const char *path, struct error *err) {
    AUTO_FREE char *place = NULL;
    int rc = root_resolve_place(root, path, &place, NULL, err);
    if (rc)
        return rc;
    const struct reserved_place *reserved = reserved_place_of(path, place);
    if (!reserved)
        return 0;
    return error_set(err, ERROR_REFUSED, EPERM,
                     "--userspace has %s, and nothing of it may be in or at %s%s: %s", path,
                     root->path, reserved->path, reserved->why);
}

/* Counts directories down from the top, as they are written; below it there is no root any more. */
static bool leaves_root(const char *place, const char *target) {
    int depth = 0;
    for (const char *at = place; *target != '/' && *at; at++)
        depth += *at == '/';
    depth -= depth > 0; /* the link's own name */
    for (target += strspn(target, "/"); *target; target += strspn(target, "/")) {
        size_t length = strcspn(target, "/");
        if (length == 2 && target[0] == '.' && target[1] == '.')
            depth--;
        else if (length != 1 || target[0] != '.')
            depth++;
        if (depth < 0)
            return true;
        target += length;
    }
    return false;
}

static int add_link(const struct userspace_entry *entry, const char *from, const struct root *root,
                    struct placing *placing, struct error *err) {
    int rc = placing_add_copy(placing, root, entry->path, from, err);
    if (!rc && leaves_root(placing->items[placing->count - 1].path, entry->target))
        rc = error_set(err, ERROR_REFUSED, EPERM,
                       "--userspace: the link %s (to %s) leads out of the root", entry->path,
                       entry->target);
    return rc;
}

static int add_entry(const struct userspace *userspace, size_t number, const struct root *root,
                     size_t *items, struct placing *placing, struct error *err) {
    const struct userspace_entry *entry = &userspace->entries[number];
    AUTO_FREE char *from = root_host_path(&userspace->tree, entry->path);
    if (!from)
        return error_oom(err, "preparing what to place");
    if (S_ISDIR(entry->st.st_mode))
        return placing_add_dir(placing, root, entry->path, from, err);
    int rc = check_place(root, entry->path, err);
    if (rc)
        return rc;
    items[number] = placing->count;
    if (S_ISLNK(entry->st.st_mode))
        return add_link(entry, from, root, placing, err);
    return entry->twin == number
               ? placing_add_copy(placing, root, entry->path, from, err)
               : placing_add_twin(placing, root, entry->path, items[entry->twin], err);
}

int userspace_placing_add(const struct userspace *userspace, const struct root *root,
                          struct placing *placing, struct error *err) {
    /* Which item each entry became. */
    AUTO_FREE size_t *items = calloc(userspace->count, sizeof *items);
    int rc = items || !userspace->count ? 0 : error_oom(err, "preparing what to place");
    for (size_t i = 0; !rc && i < userspace->count; i++)
        rc = add_entry(userspace, i, root, items, placing, err);
    return rc ? rc : placing_check_twice(placing, err);
}
