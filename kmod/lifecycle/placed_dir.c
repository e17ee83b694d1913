#include "kmod/lifecycle/placed_dir.h"

#include <fcntl.h>

#include "base/strlist.h"

#define AS_MADE 0700 /* until it is dressed, and in the store */

static int dress(const struct removal *removal, size_t i, int fd, struct error *err) {
    const struct manifest_entry *entry = &removal->manifest->entries[i];
    const struct facts_placed *placed = removal_placed(removal, i);
    if (fchown(fd, entry->uid, entry->gid) || (placed && xattrs_set(fd, &placed->xattrs)) ||
        fchmod(fd, entry->mode))
        return error_io(err, errno, "can't set owner and mode of %s%s", removal->root->path,
                        entry->path);
    return 0;
}

int placed_dir_dress(const struct removal *removal, size_t i, struct relocation_folders *folders,
                     struct error *err) {
    const char *name, *path = removal->manifest->entries[i].path;
    int rc = parent_folder_enter(&folders->to, removal->root, path, &name, err);
    if (rc)
        return rc;
    AUTO_CLOSE int fd =
        openat(folders->to.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? error_io(err, errno, "can't open %s%s", removal->root->path, path)
                  : dress(removal, i, fd, err);
}

/* Mostly its folder is open, and it is not there. Anything but 0: look closer. */
static int make_in_folder(const struct root *root, const char *path,
                          struct relocation_folders *folders) {
    const char *name;
    int rc = parent_folder_enter(&folders->to, root, path, &name, NULL);
    return rc ? rc : mkdirat(folders->to.fd, name, AS_MADE) ? -errno : 0;
}

/* One that is empty is one that a killed run made and did not come to set the mode of, or as good
 * as that: it goes when the bake is parked. */
static bool has_somebody(const struct root *root, const char *path) {
    AUTO_STRLIST struct strlist names = {0};
    struct error ignored = {0};
    return root_list(root, path, &names, &ignored) || names.count > 0;
}

/* One that came from the store with all that is in it, by a run that was killed then. */
static bool was_left(const struct removal *removal, const char *path) {
    struct stat st;
    return removal->resumed && !root_stat(removal->root, path, &st) && S_ISDIR(st.st_mode) &&
           st.st_uid == 0 && (st.st_mode & 07777) == AS_MADE;
}

int placed_dir_make(const struct removal *removal, size_t i, struct relocation_folders *folders,
                    struct error *err) {
    const struct root *root = removal->root;
    const char *path = removal->manifest->entries[i].path;
    if (!make_in_folder(root, path, folders))
        return placed_dir_dress(removal, i, folders, err);
    if (has_somebody(root, path) && !was_left(removal, path))
        return 0;
    AUTO_CLOSE int fd = -1;
    int rc = root_make_dirs(root, path, AS_MADE, NULL, err);
    if (!rc)
        rc = root_open_dir(root, path, &fd, err);
    return rc ? rc : dress(removal, i, fd, err);
}
