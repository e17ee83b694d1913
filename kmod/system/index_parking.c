#include "kmod/system/index_parking.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "kmod/system/depmod.h"
#include "kmod/system/index_files.h"
#include "kmod/system/index_freshness.h"
#include "kmod/system/index_publish.h"
#include "kmod/system/index_switch.h"
#include "kmod/system/index_tree.h"

/* The three folders that hold the files' variants. */
struct folders {
    const struct root *root;
    const struct index_store *paths;
    int place;
    int without;
    int with;
};

static void close_folders(struct folders *folders) {
    cleanup_close(&folders->place);
    cleanup_close(&folders->without);
    cleanup_close(&folders->with);
}

static int open_folders(const struct root *root, const struct index_store *paths,
                        struct folders *folders, struct error *err) {
    *folders = (struct folders){root, paths, -1, -1, -1};
    int rc = root_make_dirs(root, paths->without, 0700, NULL, err);
    if (!rc)
        rc = root_make_dirs(root, paths->with, 0700, NULL, err);
    if (!rc)
        rc = index_store_open(root, paths->kernel_dir, &folders->place, err);
    if (!rc)
        rc = index_store_open(root, paths->without, &folders->without, err);
    return rc ? rc : index_store_open(root, paths->with, &folders->with, err);
}

static int failed(const struct folders *folders, const char *name, struct error *err) {
    return error_io(err, errno, "can't switch the index file %s%s/%s", folders->root->path,
                    folders->paths->kernel_dir, name);
}

/* What a killed run had exchanged already is in the wrong folder of the store. */
static int park_file(void *context, const struct module_index_file *file, struct error *err) {
    const struct folders *folders = context;
    const char *name = file->name;
    if (!index_files_back(folders->root, folders->paths, file)) {
        if (!file->without_present)
            return renameat(folders->place, name, folders->with, name) ? failed(folders, name, err)
                                                                       : 0;
        if (renameat2(folders->without, name, folders->place, name, RENAME_EXCHANGE))
            return failed(folders, name, err);
    }
    if (file->without_present && renameat(folders->without, name, folders->with, name) &&
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
    rc = index_store_sweep(root, &paths, err);
    *needs_refresh = !index_switch_possible(root, &paths, index);
    if (!rc && !*needs_refresh)
        rc = park_files(root, &paths, index, err);
    else if (!rc)
        rc = index_store_drop(root, &paths, err);
    return cannot_exchange(rc) ? module_index_restore(root, index, store, needs_refresh, err) : rc;
}

static int remove_folder(const struct root *root, const char *folder, struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    if (!root_exists(root, folder))
        return 0;
    int rc = root_open_parent(root, folder, &parent, &name, err);
    return rc ? rc : tree_remove(parent, name, err);
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
    rc = remove_folder(root, paths.without, err);
    index_files_record_parked(root, &paths, index);
    if (!rc)
        rc = index_tree_note(root, &paths, err);
    return rc ? rc : index_tree_commit(root, &paths, err);
}

/* In place is what was there when the bake was parked, and the other variant is kept. */
static bool is_as_settled(const struct root *root, const struct index_store *paths,
                          const struct module_index_file *file) {
    struct stat st;
    bool present = !index_store_stat(root, paths->kernel_dir, file->name, &st);
    bool as_recorded = file->inode ? present && st.st_ino == file->inode &&
                                         index_files_time(st.st_ctim) == file->ctime_ns
                                   : !present;
    return as_recorded && !index_store_stat(root, paths->with, file->name, &st) &&
           S_ISREG(st.st_mode);
}

static bool all_as_settled(const struct root *root, const struct index_store *paths,
                           const struct module_index *index) {
    for (size_t i = 0; i < index->count; i++)
        if (!is_as_settled(root, paths, &index->files[i]))
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
        rc = renameat2(folders->with, name, folders->place, name, RENAME_NOREPLACE);
    else if (!(rc = renameat2(folders->with, name, folders->place, name, RENAME_EXCHANGE)))
        rc = renameat(folders->with, name, folders->without, name);
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
    return rc ? rc : index_tree_note(root, &paths, err);
}

int index_parking_forget(const struct root *root, const char *kernel, const char *store,
                         struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    int rc = index_store_locate(kernel, store, &paths, err);
    return rc ? rc : remove_folder(root, paths.with, err);
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
    return index_files_fill_parked(renewal->root, paths, &with, renewal->index, err);
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
