#include "kmod/system/index_parking.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/timestamp.h"
#include "kmod/system/depmod.h"
#include "kmod/system/index_files.h"
#include "kmod/system/index_freshness.h"
#include "kmod/system/index_publish.h"
#include "kmod/system/index_switch.h"
#include "kmod/system/index_tree.h"

/* A switch under way. */
struct folders {
    const struct root *root;
    const struct index_store *paths;
    struct index_folders open;
};

static void close_folders(struct folders *folders) {
    index_folders_close(&folders->open);
}

static int open_folders(const struct root *root, const struct index_store *paths,
                        struct folders *folders, struct error *err) {
    *folders = (struct folders){root, paths, {-1, -1, -1}};
    int rc = root_make_dirs(root, paths->without, 0700, NULL, err);
    if (!rc)
        rc = root_make_dirs(root, paths->with, 0700, NULL, err);
    return rc ? rc : index_folders_open(root, paths, &folders->open, err);
}

static int failed(const struct folders *folders, const char *name, struct error *err) {
    return error_io(err, errno, "can't switch the index file %s%s/%s", folders->root->path,
                    folders->paths->kernel_dir, name);
}

/* What a killed run had exchanged already is in the wrong folder of the store. */
static int park_file(void *context, const struct module_index_file *file, struct error *err) {
    const struct folders *folders = context;
    const char *name = file->name;
    if (!index_files_back(&folders->open, file)) {
        if (!file->without_present)
            return renameat(folders->open.place, name, folders->open.with, name)
                       ? failed(folders, name, err)
                       : 0;
        if (renameat2(folders->open.without, name, folders->open.place, name, RENAME_EXCHANGE))
            return failed(folders, name, err);
    }
    if (file->without_present && renameat(folders->open.without, name, folders->open.with, name) &&
        errno != ENOENT)
        return failed(folders, name, err);
    return 0;
}

static bool is_present(const struct root *root, const struct index_store *paths) {
    return root_exists(root, paths->kernel_dir);
}

/* Exchanging needs one file system that can do it; the first file tells, before anything moved. */
static bool cannot_exchange(int rc) {
    return rc == -EXDEV || rc == -EINVAL || rc == -ENOSYS;
}

/* Renames, or nothing where that can't be. */
static int park_files(const struct root *root, const struct index_store *paths,
                      const struct module_index *index, struct error *err) {
    AUTO(close_folders) struct folders folders;
    struct error reason = {0};
    int rc = open_folders(root, paths, &folders, err);
    if (rc)
        return rc;
    rc = index_switch_each(index, true, park_file, &folders, &reason);
    if (rc && !cannot_exchange(rc) && err)
        *err = reason;
    return rc;
}

int index_parking_park(const struct root *root, const struct module_index *index, const char *store,
                       bool *needs_refresh, struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    *needs_refresh = false;
    int rc = index_store_locate(index->kernel, store, &paths, err);
    if (rc || !is_present(root, &paths))
        return rc ? rc : index_store_drop(root, &paths, err);
    AUTO_INDEX_FOLDERS struct index_folders folders;
    rc = index_folders_open(root, &paths, &folders, err);
    if (!rc)
        rc = index_store_sweep(root, &paths, err);
    *needs_refresh = rc || !index_switch_possible(root, &paths, &folders, index);
    if (!rc && !*needs_refresh)
        rc = park_files(root, &paths, index, err);
    else if (!rc)
        rc = index_store_drop(root, &paths, err);
    return cannot_exchange(rc) ? module_index_restore(root, index, store, needs_refresh, err) : rc;
}

int index_parking_settle(const struct root *root, struct module_index *index, const char *store,
                         struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    int rc = index_store_locate(index->kernel, store, &paths, err);
    if (rc)
        return rc;
    /* Nothing kept: depmod makes the index when the bake is activated. */
    if (!root_exists(root, paths.with)) {
        index_files_forget(index);
        return index_store_drop(root, &paths, err);
    }
    /* What is left there is a second name of files that no bake replaces. */
    rc = file_remove_tree(root, paths.without, err);
    AUTO_INDEX_FOLDERS struct index_folders folders;
    if (!rc)
        rc = index_folders_open(root, &paths, &folders, err);
    if (!rc)
        index_files_record_parked(&folders, index);
    if (!rc)
        rc = index_tree_note(root, &paths, err);
    return rc ? rc : index_tree_commit(root, &paths, err);
}

/* In place is what was there when the bake was parked, and the other variant is kept. */
static bool is_as_settled(const struct index_folders *folders,
                          const struct module_index_file *file) {
    struct stat st;
    bool present = !index_folders_stat(folders->place, file->name, &st);
    bool as_recorded = file->inode ? present && st.st_ino == file->inode &&
                                         timestamp_ns(st.st_ctim) == file->ctime_ns
                                   : !present;
    return as_recorded && !index_folders_stat(folders->with, file->name, &st) &&
           S_ISREG(st.st_mode);
}

static bool all_as_settled(const struct root *root, const struct index_store *paths,
                           const struct module_index *index) {
    AUTO_INDEX_FOLDERS struct index_folders folders;
    if (index_folders_open(root, paths, &folders, NULL))
        return false;
    for (size_t i = 0; i < index->count; i++)
        if (!is_as_settled(&folders, &index->files[i]))
            return false;
    return index->count > 0 && index_tree_unchanged(root, paths);
}

bool index_parking_can_activate(const struct root *root, const struct module_index *index,
                                const char *store) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    return index_store_locate(index->kernel, store, &paths, NULL) == 0 &&
           all_as_settled(root, &paths, index);
}

static int activate_file(void *context, const struct module_index_file *file, struct error *err) {
    const struct folders *folders = context;
    const char *name = file->name;
    int rc;
    if (!file->without_present)
        rc = renameat2(folders->open.with, name, folders->open.place, name, RENAME_NOREPLACE);
    else if (!(rc =
                   renameat2(folders->open.with, name, folders->open.place, name, RENAME_EXCHANGE)))
        rc = renameat(folders->open.with, name, folders->open.without, name);
    return rc ? failed(folders, name, err) : 0;
}

static int activate_files(const struct root *root, const struct index_store *paths,
                          const struct module_index *index, struct error *err) {
    AUTO(close_folders) struct folders folders;
    int rc = open_folders(root, paths, &folders, err);
    return rc ? rc : index_switch_each(index, false, activate_file, &folders, err);
}

int index_parking_activate(const struct root *root, struct module_index *index, const char *store,
                           struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    int rc = index_store_locate(index->kernel, store, &paths, err);
    if (!rc)
        rc = activate_files(root, &paths, index, err);
    if (!rc)
        rc = file_remove_dir(root, paths.with, err);
    if (!rc)
        rc = index_files_record(root, &paths, index, err);
    return rc ? rc : index_tree_note_again(root, &paths, err);
}

int index_parking_forget(const struct root *root, const char *kernel, const char *store,
                         struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    int rc = index_store_locate(kernel, store, &paths, err);
    return rc ? rc : file_remove_tree(root, paths.with, err);
}

/* One renewal under way. */
struct renewal {
    const struct root *root;
    struct index_store paths;
    struct module_index *index;
    const struct depmod_view *parked;
};

static void release_renewal(struct renewal *renewal) {
    index_store_release(&renewal->paths);
}

/* Runs depmod and publishes what differs from the files in `into`. */
static int make_variant(const struct renewal *renewal, const struct depmod_view *view,
                        const char *into, struct strlist *names, bool *changed, struct error *err) {
    AUTO_FREE char *folder = NULL;
    AUTO_STRLIST struct strlist different = {0};
    struct index_store paths = renewal->paths;
    paths.kernel_dir = (char *)into;
    int rc = depmod_run_view(renewal->root, renewal->index->kernel, paths.staging, view, &folder,
                             names, err);
    for (size_t i = 0; !rc && i < names->count; i++) {
        bool same = false;
        rc = index_freshness_same(renewal->root, into, folder, names->items[i], &same, err);
        if (!rc && !same && strlist_add(&different, names->items[i]))
            rc = error_oom(err, "renewing an index");
    }
    *changed |= different.count > 0;
    return rc ? rc : index_publish(renewal->root, &paths, folder, &different, err);
}

static int renew(struct renewal *renewal, bool *renewed, struct error *err) {
    AUTO_STRLIST struct strlist without = {0}, with = {0};
    const struct index_store *paths = &renewal->paths;
    *renewed = !all_as_settled(renewal->root, paths, renewal->index);
    int rc = root_make_dirs(renewal->root, paths->with, 0700, NULL, err);
    if (!rc)
        rc = index_tree_note(renewal->root, paths, err);
    if (!rc)
        rc = make_variant(renewal, NULL, paths->kernel_dir, &without, renewed, err);
    if (!rc)
        rc = make_variant(renewal, renewal->parked, paths->with, &with, renewed, err);
    if (rc || !*renewed)
        return rc ? rc : index_tree_drop_note(renewal->root, paths, err);
    renewal->index->stale = false;
    AUTO_INDEX_FOLDERS struct index_folders folders;
    rc = index_folders_open(renewal->root, paths, &folders, err);
    return rc ? rc : index_files_fill_parked(&folders, &with, renewal->index, err);
}

int index_parking_renew(const struct root *root, struct module_index *index, const char *store,
                        const struct depmod_view *parked, bool *renewed, struct error *err) {
    AUTO(release_renewal) struct renewal renewal = {.root = root, .index = index, .parked = parked};
    int rc = index_store_locate(index->kernel, store, &renewal.paths, err);
    if (!rc)
        rc = index_store_sweep(root, &renewal.paths, err);
    if (!rc)
        rc = renew(&renewal, renewed, err);
    int discarded =
        renewal.paths.staging ? depmod_discard(root, renewal.paths.staging, rc ? NULL : err) : 0;
    return rc ? rc : discarded;
}
