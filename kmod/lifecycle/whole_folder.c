#include "kmod/lifecycle/whole_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "base/tree.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/placed_dir.h"

/* A folder of the manifest and what follows it there. */
struct whole {
    const struct removal *removal;
    const struct manifest_entry *folder;
    size_t count; /* of entries, with the folder */
    size_t seen;
};

/* The compat marker says that all the rest is in place: it goes last, alone. */
static bool may_go_along(const struct whole *whole, const struct manifest_entry *entry) {
    const struct facts *facts = whole->removal->facts;
    size_t i = (size_t)(entry - whole->removal->manifest->entries);
    const char *marker = facts->compat_marker;
    return removal_class_of(entry->path) == removal_class_of(whole->folder->path) &&
           !(marker && !strcmp(marker, entry->path)) && i < facts->placed_count &&
           !relocation_is_privileged(entry, &facts->placed[i]);
}

static bool find_entries(struct whole *whole, size_t i) {
    const struct manifest *manifest = whole->removal->manifest;
    whole->count = 1;
    for (size_t j = i + 1; j < manifest->count; j++) {
        if (!path_is_below(manifest->entries[j].path, whole->folder->path))
            break;
        if (!may_go_along(whole, &manifest->entries[j]))
            return false;
        whole->count++;
    }
    return may_go_along(whole, whole->folder);
}

static bool has_type(const struct stat *st, enum manifest_type type) {
    return type == MANIFEST_DIR    ? S_ISDIR(st->st_mode)
           : type == MANIFEST_LINK ? S_ISLNK(st->st_mode)
                                   : S_ISREG(st->st_mode);
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    struct whole *whole = context;
    AUTO_FREE char *path = NULL;
    (void)err;
    if (asprintf(&path, "%s/%s", whole->folder->path, entry->path) < 0)
        return -ENOMEM;
    const struct manifest_entry *listed = manifest_find(whole->removal->manifest, path);
    whole->seen++;
    return listed && has_type(entry->st, listed->type) ? 0 : -ENOENT;
}

/* All that is there is listed, and as many are there as are listed. */
static bool has_exactly(struct whole *whole, int parent, const char *name) {
    struct error ignored = {0};
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && !tree_walk(fd, name, visit, whole, &ignored) &&
           whole->seen == whole->count - 1;
}

static bool move(struct whole *whole, size_t i, struct relocation_folders *folders) {
    const struct root *root = whole->removal->root;
    AUTO_FREE char *kept = parked_store_path(whole->folder->path);
    const char *from, *to;
    return kept && whole->removal->facts && find_entries(whole, i) &&
           !parent_folder_enter(&folders->from, root, kept, &from, NULL) &&
           !parent_folder_enter(&folders->to, root, whole->folder->path, &to, NULL) &&
           has_exactly(whole, folders->from.fd, from) &&
           !renameat2(folders->from.fd, from, folders->to.fd, to, RENAME_NOREPLACE);
}

int whole_folder_to_place(const struct removal *removal, size_t i,
                          struct relocation_folders *folders, size_t *moved, struct error *err) {
    struct whole whole = {.removal = removal, .folder = &removal->manifest->entries[i]};
    *moved = 0;
    if (!move(&whole, i, folders))
        return 0;
    *moved = whole.count;
    int rc = 0;
    for (size_t j = i; !rc && j < i + whole.count; j++)
        if (removal->manifest->entries[j].type == MANIFEST_DIR)
            rc = placed_dir_dress(removal, j, folders, err);
    return rc;
}
