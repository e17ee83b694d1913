#include "kmod/lifecycle/free_places.h"

#include <string.h>

#include "base/parent_folder.h"
#include "base/path.h"

static int check_free(const struct root *root, const struct manifest_entry *entry,
                      struct error *err) {
    struct stat st;
    int rc = root_stat(root, entry->path, &st);
    if (rc == -ENOENT || (!rc && entry->type == MANIFEST_DIR && S_ISDIR(st.st_mode)))
        return 0;
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, entry->path);
    return error_set(err, ERROR_REFUSED, EEXIST,
                     "%s%s is in a place of the parked bake, and nothing is overwritten: "
                     "remove it or whatever owns it first",
                     root->path, entry->path);
}

/* The manifest's paths were canonical when they were placed. */
static int check_way(const struct root *root, const char *path, struct error *err) {
    AUTO_FREE char *resolved = NULL;
    int rc = root_resolve_place(root, path, &resolved, NULL, err);
    if (rc || !strcmp(resolved, path))
        return rc;
    return error_set(err, ERROR_REFUSED, ELOOP,
                     "%s%s, a place of the parked bake, is %s%s by now, through a link that was "
                     "not there: remove the link, or run 'prebake-node teardown' and install in "
                     "full",
                     root->path, path, root->path, resolved);
}

int free_places_check(const struct root *root, const struct manifest *manifest, struct error *err) {
    AUTO_PARENT_FOLDER struct parent_folder folder = PARENT_FOLDER_INIT;
    const char *missing = NULL;
    struct stat st;
    int rc = 0;
    for (size_t i = 0; !rc && i < manifest->count; i++) {
        const struct manifest_entry *entry = &manifest->entries[i];
        if (missing && path_is_below(entry->path, missing))
            continue;
        if (parent_folder_stat(&folder, root, entry->path, &st) == -ENOENT) {
            missing = entry->path;
            continue;
        }
        rc = check_way(root, entry->path, err);
        if (!rc)
            rc = check_free(root, entry, err);
    }
    return rc;
}
