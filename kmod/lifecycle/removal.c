#include "kmod/lifecycle/removal.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "kmod/system/dkms_tree.h"

enum removal_class removal_class_of(const char *path) {
    if (path_is_below(path, "/lib/modules") || path_is_below(path, "/usr/lib/modules"))
        return REMOVAL_MODULES;
    return path_is_below(path, DKMS_TREE) ? REMOVAL_DKMS : REMOVAL_REST;
}

const struct facts_placed *removal_placed(const struct removal *removal, size_t i) {
    const struct facts *facts = removal->facts;
    return facts && i < facts->placed_count ? &facts->placed[i] : NULL;
}

int removal_ownership(const struct removal *removal, const struct manifest_entry *entry,
                      enum ownership *ownership, struct error *err) {
    size_t i = (size_t)(entry - removal->manifest->entries);
    return ownership_check(removal->root, &removal->context, entry, removal_placed(removal, i),
                           ownership, err);
}

/* One entry after the other, as `scan`. */
static int look_at(const struct removal *removal, struct ownership_scan *scan, size_t i,
                   enum ownership *ownership, struct error *err) {
    return ownership_scan_next(scan, &removal->manifest->entries[i], removal_placed(removal, i),
                               ownership, err);
}

/* `path` is of REMOVAL_MODULES. */
static bool is_of_kernel(const char *path, const char *kernel) {
    static const char modules[] = "/lib/modules/";
    return path_is_below(strstr(path, modules) + strlen(modules), kernel);
}

int removal_foreign_module(const struct removal *removal, const char *kernel, bool *found,
                           struct error *err) {
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan =
        OWNERSHIP_SCAN_INIT(removal->root, &removal->context);
    *found = false;
    for (size_t i = 0; !*found && i < removal->manifest->count; i++) {
        const struct manifest_entry *entry = &removal->manifest->entries[i];
        if (entry->type == MANIFEST_DIR || removal_class_of(entry->path) != REMOVAL_MODULES ||
            !is_of_kernel(entry->path, kernel))
            continue;
        enum ownership ownership;
        int rc = look_at(removal, &scan, i, &ownership, err);
        if (rc)
            return rc;
        *found = ownership == OWNERSHIP_FOREIGN;
    }
    return 0;
}

static int remove_file(const struct removal *removal, struct ownership_scan *scan, size_t i,
                       struct error *err) {
    enum ownership ownership;
    int rc = look_at(removal, scan, i, &ownership, err);
    if (rc || ownership != OWNERSHIP_OURS)
        return rc;
    return file_remove_next(removal->root, &scan->folder, removal->manifest->entries[i].path, err);
}

int removal_files(const struct removal *removal, enum removal_class class, struct error *err) {
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan =
        OWNERSHIP_SCAN_INIT(removal->root, &removal->context);
    int first = 0;
    for (size_t i = removal->manifest->count; i-- > 0;) {
        const struct manifest_entry *entry = &removal->manifest->entries[i];
        if (entry->type == MANIFEST_DIR || removal_class_of(entry->path) != class)
            continue;
        int rc = remove_file(removal, &scan, i, first ? NULL : err);
        first = first ? first : rc;
    }
    return first;
}

int removal_path(const struct removal *removal, const char *path, struct error *err) {
    const struct manifest_entry *entry = path ? manifest_find(removal->manifest, path) : NULL;
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan =
        OWNERSHIP_SCAN_INIT(removal->root, &removal->context);
    return entry ? remove_file(removal, &scan, (size_t)(entry - removal->manifest->entries), err)
                 : 0;
}

int removal_left(const struct removal *removal, enum removal_class class, struct strlist *paths,
                 struct error *err) {
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan =
        OWNERSHIP_SCAN_INIT(removal->root, &removal->context);
    int rc = 0;
    for (size_t i = 0; !rc && i < removal->manifest->count; i++) {
        const struct manifest_entry *entry = &removal->manifest->entries[i];
        enum ownership ownership = OWNERSHIP_GONE;
        if (entry->type == MANIFEST_DIR || removal_class_of(entry->path) != class)
            continue;
        rc = look_at(removal, &scan, i, &ownership, err);
        if (!rc && ownership == OWNERSHIP_OURS && strlist_add(paths, entry->path))
            rc = error_oom(err, "looking at what is left");
    }
    return rc;
}

int removal_dirs(const struct removal *removal, struct error *err) {
    AUTO_PARENT_FOLDER struct parent_folder folder = PARENT_FOLDER_INIT;
    int first = 0;
    for (size_t i = removal->manifest->count; i-- > 0;) {
        const struct manifest_entry *entry = &removal->manifest->entries[i];
        if (entry->type != MANIFEST_DIR)
            continue;
        struct error reason = {0};
        int rc = file_remove_dir_next(removal->root, &folder, entry->path, &reason);
        /* Not empty: somebody put something there. Not a directory: it is somebody else's. */
        if (rc == 0 || rc == -ENOTEMPTY || rc == -ENOENT || rc == -ENOTDIR || first)
            continue;
        first =
            error_io(err, -rc, "can't remove the directory %s%s", removal->root->path, entry->path);
    }
    return first;
}

/* A directory that others put something into has become theirs as well; it is nobody's fault. */
static bool is_left(const struct removal *removal, size_t i, enum ownership ownership) {
    const struct manifest_entry *entry = &removal->manifest->entries[i];
    if (ownership != OWNERSHIP_OURS || entry->type != MANIFEST_DIR)
        return ownership == OWNERSHIP_OURS;
    AUTO_STRLIST struct strlist names = {0};
    return root_list(removal->root, entry->path, &names, NULL) == 0 && names.count == 0;
}

int removal_look(const struct removal *removal, struct removal_count *count, struct error *err) {
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan =
        OWNERSHIP_SCAN_INIT(removal->root, &removal->context);
    *count = (struct removal_count){0};
    for (size_t i = 0; i < removal->manifest->count; i++) {
        enum ownership ownership;
        int rc = look_at(removal, &scan, i, &ownership, err);
        if (rc)
            return rc;
        if (ownership == OWNERSHIP_FOREIGN)
            count->foreign++;
        if (!is_left(removal, i, ownership))
            continue;
        if (count->left++ == 0)
            error_set(err, ERROR_INCOMPLETE, EBUSY, "%s%s is left", removal->root->path,
                      removal->manifest->entries[i].path);
    }
    return 0;
}
