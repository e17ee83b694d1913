#include "kmod/lifecycle/transfer.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/timestamp.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/placed_dir.h"
#include "kmod/lifecycle/relocation.h"
#include "kmod/lifecycle/whole_folder.h"

static const char moving[] = "moving the bake";

/* The place in the manifest of the compat marker; NULL when the bake has none. */
static const struct manifest_entry *compat_marker(const struct removal *removal) {
    const char *path = removal->facts ? removal->facts->compat_marker : NULL;
    return path && *path ? manifest_find(removal->manifest, path) : NULL;
}

static bool is_of(const struct removal *removal, size_t i, enum removal_class class) {
    const struct manifest_entry *entry = &removal->manifest->entries[i];
    return removal_class_of(entry->path) == class && entry != compat_marker(removal);
}

/* Where the other name `i` of a file is at the end of the move; NULL when it is not there. */
static char *twin_at(const struct removal *removal, size_t i, bool in_store) {
    const char *path = removal->manifest->entries[i].path;
    char *where = in_store ? parked_store_path(path) : strdup(path);
    if (where && root_exists(removal->root, where))
        return where;
    free(where);
    return NULL;
}

static bool is_same_file(const struct root *root, const char *one, const char *other) {
    struct stat a, b;
    return !root_stat(root, one, &a) && !root_stat(root, other, &b) && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* The first name of the same file that was moved as a copy: a renamed one is the same file still.
 */
static char *find_twin(const struct removal *removal, size_t i, bool in_store) {
    const struct facts_placed *placed = removal_placed(removal, i);
    AUTO_FREE char *kept = parked_store_path(removal->manifest->entries[i].path);
    const char *from = in_store ? removal->manifest->entries[i].path : kept;
    for (size_t j = 0; kept && placed && placed->link_group && j < i; j++) {
        const struct facts_placed *other = removal_placed(removal, j);
        if (!other || other->link_group != placed->link_group)
            continue;
        char *twin = twin_at(removal, j, in_store);
        if (twin && !is_same_file(removal->root, twin, from))
            return twin;
        free(twin);
    }
    return NULL;
}

static int move(const struct removal *removal, size_t i, bool to_store,
                struct relocation_folders *folders, struct error *err) {
    AUTO_FREE char *twin = find_twin(removal, i, to_store);
    const struct relocation relocation = {
        .root = removal->root,
        .folders = folders,
        .entry = &removal->manifest->entries[i],
        .placed = removal_placed(removal, i),
        .twin = twin,
    };
    return to_store ? relocation_to_store(&relocation, err) : relocation_to_place(&relocation, err);
}

static int store(const struct removal *removal, size_t i, struct relocation_folders *folders,
                 struct error *err) {
    enum ownership ownership;
    int rc = removal_ownership(removal, &removal->manifest->entries[i], &ownership, err);
    return rc || ownership != OWNERSHIP_OURS ? rc : move(removal, i, true, folders, err);
}

int transfer_to_store(const struct removal *removal, enum removal_class class, struct error *err) {
    AUTO(relocation_folders_release)
    struct relocation_folders folders = RELOCATION_FOLDERS_INIT;
    int rc = 0;
    for (size_t i = 0; !rc && i < removal->manifest->count; i++)
        if (removal->manifest->entries[i].type != MANIFEST_DIR && is_of(removal, i, class))
            rc = store(removal, i, &folders, err);
    return rc;
}

int transfer_compat_to_store(const struct removal *removal, struct error *err) {
    AUTO(relocation_folders_release)
    struct relocation_folders folders = RELOCATION_FOLDERS_INIT;
    const struct manifest_entry *entry = compat_marker(removal);
    return entry ? store(removal, (size_t)(entry - removal->manifest->entries), &folders, err) : 0;
}

/* A place that is taken: by what an earlier run copied and did not remove from the store, or by
 * somebody else's file. */
static int drop_kept_twin(const struct removal *removal, const struct manifest_entry *entry,
                          struct error *err) {
    enum ownership ownership;
    int rc = removal_ownership(removal, entry, &ownership, err);
    if (rc)
        return rc;
    if (ownership != OWNERSHIP_OURS)
        return error_set(err, ERROR_REFUSED, EEXIST,
                         "%s%s is in the place of what the bake has for it, and nothing is "
                         "overwritten: remove it or whatever owns it first",
                         removal->root->path, entry->path);
    AUTO_FREE char *kept = parked_store_path(entry->path);
    return kept ? file_remove(removal->root, kept, err) : error_oom(err, moving);
}

static int check_moved(const struct removal *removal, const struct manifest_entry *entry,
                       struct error *err) {
    enum ownership ownership;
    int rc = removal_ownership(removal, entry, &ownership, err);
    if (rc || ownership == OWNERSHIP_OURS)
        return rc;
    return error_set(err, ERROR_DAMAGED, ENOENT,
                     "%s%s is %s, and the store has no other: run 'prebake-node teardown' and "
                     "install in full",
                     removal->root->path, entry->path,
                     ownership == OWNERSHIP_GONE ? "gone" : "not what the bake placed");
}

static int place(const struct removal *removal, size_t i, struct relocation_folders *folders,
                 struct error *err) {
    const struct manifest_entry *entry = &removal->manifest->entries[i];
    struct error reason = {0};
    int rc = move(removal, i, false, folders, &reason);
    if (rc == -ENOENT)
        return check_moved(removal, entry, err);
    if (rc == -EEXIST)
        return drop_kept_twin(removal, entry, err);
    if (rc && err)
        *err = reason;
    return rc;
}

/* Entry `i`, or the folder that begins there as a whole: `done` is how many entries that were. */
static int place_next(const struct removal *removal, size_t i, struct relocation_folders *folders,
                      size_t *done, struct error *err) {
    *done = 1;
    if (removal->manifest->entries[i].type != MANIFEST_DIR)
        return place(removal, i, folders, err);
    int rc = whole_folder_to_place(removal, i, folders, done, err);
    if (rc || *done)
        return rc;
    *done = 1;
    return placed_dir_make(removal, i, folders, err);
}

int transfer_to_places(const struct removal *removal, enum removal_class class, struct error *err) {
    AUTO(relocation_folders_release)
    struct relocation_folders folders = RELOCATION_FOLDERS_INIT;
    size_t done = 1;
    int rc = 0;
    for (size_t i = 0; !rc && i < removal->manifest->count; i += done) {
        done = 1;
        if (is_of(removal, i, class))
            rc = place_next(removal, i, &folders, &done, err);
    }
    return rc;
}

int transfer_compat_to_place(const struct removal *removal, struct error *err) {
    AUTO(relocation_folders_release)
    struct relocation_folders folders = RELOCATION_FOLDERS_INIT;
    const struct manifest_entry *entry = compat_marker(removal);
    return entry ? place(removal, (size_t)(entry - removal->manifest->entries), &folders, err) : 0;
}

static bool has_content(const struct root *root, const struct manifest_entry *entry) {
    static const struct ownership_context by_content = {.copied = true};
    enum ownership ownership;
    struct error ignored = {0};
    return ownership_check(root, &by_content, entry, NULL, &ownership, &ignored) == 0 &&
           ownership == OWNERSHIP_OURS;
}

/* Where it is, or nothing when it is not there. */
static void record(const struct root *root, struct parent_folder *folder, const char *path,
                   struct facts_placed *placed) {
    struct stat st;
    const char *name;
    bool there = parent_folder_enter(folder, root, path, &name, NULL) == 0 &&
                 fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    placed->inode = there ? st.st_ino : 0;
    placed->ctime_ns = there ? timestamp_ns(st.st_ctim) : 0;
}

static int record_each(const struct root *root, const struct manifest *manifest,
                       struct facts *facts, bool parked, bool resumed, bool missing_only,
                       struct error *err) {
    AUTO_PARENT_FOLDER struct parent_folder folder = PARENT_FOLDER_INIT;
    for (size_t i = 0; i < manifest->count && i < facts->placed_count; i++) {
        struct manifest_entry entry = manifest->entries[i];
        if (missing_only && facts->placed[i].inode)
            continue;
        AUTO_FREE char *kept = parked ? parked_store_path(entry.path) : NULL;
        if (parked && !kept)
            return error_oom(err, moving);
        entry.path = parked ? kept : entry.path;
        record(root, &folder, entry.path, &facts->placed[i]);
        if (resumed && !has_content(root, &entry))
            facts->placed[i].inode = 0;
    }
    return 0;
}

int transfer_record_more(const struct root *root, const struct manifest *manifest,
                         struct facts *facts, bool resumed, struct error *err) {
    return record_each(root, manifest, facts, false, resumed, true, err);
}

int transfer_record(const struct root *root, const struct manifest *manifest, struct facts *facts,
                    bool parked, bool resumed, struct error *err) {
    int rc = record_each(root, manifest, facts, parked, resumed, false, err);
    if (rc)
        return rc;
    char *layout = strdup(parked ? FACTS_PARKED : FACTS_ACTIVE);
    if (!layout)
        return error_oom(err, moving);
    free(facts->layout);
    facts->layout = layout;
    return 0;
}

int transfer_clear_store(const struct root *root, struct error *err) {
    return file_remove_tree(root, PARKED_STORE, err);
}

static int remove_temporary(const struct root *root, const char *path, struct error *err) {
    AUTO_FREE char *temporary = relocation_temporary(path);
    return temporary ? file_remove(root, temporary, err) : error_oom(err, moving);
}

int transfer_remove_temporaries(const struct removal *removal, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < removal->manifest->count; i++) {
        const struct manifest_entry *entry = &removal->manifest->entries[i];
        AUTO_FREE char *kept = parked_store_path(entry->path);
        if (!kept)
            return error_oom(err, moving);
        if (entry->type == MANIFEST_DIR)
            continue;
        rc = remove_temporary(removal->root, entry->path, err);
        if (!rc)
            rc = remove_temporary(removal->root, kept, err);
    }
    return rc;
}
