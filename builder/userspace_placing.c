#include "builder/userspace_placing.h"

#include <string.h>

#include "kmod/lifecycle/node_place.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/dkms_tree.h"
#include "kmod/system/loader_cache.h"

/* Places that are not for a userspace, and why. */
static const struct {
    const char *path;
    const char *why;
} reserved[] = {
    {"/lib/modules", "modules come from --source, where they are verified"},
    {"/usr/lib/modules", "modules come from --source, where they are verified"},
    {DKMS_TREE, "registering with DKMS is the bake's own work"},
    {STATE_FOLDER, "that folder is prebake's own"},
    {NODE_PLACE_PATH, "that program comes with prebake, and stays when the bake goes"},
    {LOADER_CACHE, "ldconfig makes it"},
    {"/dev", "what is there is made anew at every boot"},
    {"/proc", "what is there is made anew at every boot"},
    {"/run", "what is there is made anew at every boot"},
    {"/sys", "what is there is made anew at every boot"},
    {"/tmp", "what is there is made anew at every boot"},
};

static bool is_in(const char *path, const char *place) {
    size_t length = strlen(place);
    return !strncmp(path, place, length) && (path[length] == '/' || path[length] == '\0');
}

static int check_place(const struct root *root, const char *path, struct error *err) {
    AUTO_FREE char *place = NULL;
    int rc = root_resolve_place(root, path, &place, NULL, err);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(reserved); i++)
        if (is_in(place, reserved[i].path) || is_in(path, reserved[i].path))
            rc = error_set(err, ERROR_REFUSED, EPERM,
                           "--userspace has %s, and nothing of it may be in or at %s%s: %s", path,
                           root->path, reserved[i].path, reserved[i].why);
    return rc;
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
