#include "kmod/lifecycle/whole_folder.h"

#include <fcntl.h>
#include <string.h>

#include "base/path.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/placed_dir.h"

/* A folder of the manifest and what follows it there. */
struct whole {
    const struct removal *removal;
    const struct manifest_entry *folder;
    size_t count; /* of entries, with the folder */
};

/* The compat marker says that all the rest is in place: it goes last, alone. */
static bool may_go_along(const struct whole *whole, const struct manifest_entry *entry) {
    const struct removal *removal = whole->removal;
    const struct facts_placed *placed =
        removal_placed(removal, (size_t)(entry - removal->manifest->entries));
    const char *marker = removal->facts->compat_marker;
    return removal_class_of(entry->path) == removal_class_of(whole->folder->path) &&
           !(marker && !strcmp(marker, entry->path)) && placed &&
           !relocation_is_privileged(entry, placed);
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

/* How many names are in the folder `path` of `parent`; −1 when that can't be told. */
static ssize_t count_names(int parent, const char *path) {
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        cleanup_close(&fd);
        return -1;
    }
    ssize_t count = 0;
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    return errno ? -1 : count;
}

/* As many names as are listed: that those that are listed are there, and whose they are, the caller
 * has looked at. */
static bool has_no_other(const struct whole *whole, int parent, const char *name) {
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t length = strlen(whole->folder->path), found = 0;
    for (size_t i = 0; fd >= 0 && i < whole->count; i++) {
        const struct manifest_entry *entry = &whole->folder[i];
        const char *path = i == 0 ? "." : entry->path + length + 1;
        ssize_t count = entry->type == MANIFEST_DIR ? count_names(fd, path) : 0;
        if (count < 0)
            return false;
        found += (size_t)count;
    }
    return found == whole->count - 1;
}

static bool move(struct whole *whole, size_t i, struct relocation_folders *folders) {
    const struct root *root = whole->removal->root;
    AUTO_FREE char *kept = parked_store_path(whole->folder->path);
    const char *from, *to;
    return kept && whole->removal->facts && !whole->removal->resumed && find_entries(whole, i) &&
           !parent_folder_enter(&folders->from, root, kept, &from, NULL) &&
           !parent_folder_enter(&folders->to, root, whole->folder->path, &to, NULL) &&
           has_no_other(whole, folders->from.fd, from) &&
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
