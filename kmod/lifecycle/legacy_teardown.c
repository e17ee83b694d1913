#include "kmod/lifecycle/legacy_teardown.h"

#include "base/file.h"
#include "base/stopwatch.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/known_modules.h"
#include "kmod/lifecycle/legacy_bake.h"
#include "kmod/lifecycle/legacy_initramfs.h"
#include "kmod/lifecycle/legacy_removal.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/resident.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/state_folder.h"

/* One teardown under way. */
struct legacy_teardown {
    const struct root *root;
    const char *marker_path;
    struct marker marker;
    struct legacy_bake bake;
    struct known_modules modules;
    struct strlist made; /* folders that did not exist before the lock was taken */
};

static void release(struct legacy_teardown *teardown) {
    marker_release(&teardown->marker);
    legacy_bake_release(&teardown->bake);
    known_modules_release(&teardown->modules);
    strlist_release(&teardown->made);
}

/* There are no facts to know a loaded module by: the files that are ours tell. */
static int find_modules(struct legacy_teardown *teardown, struct error *err) {
    const struct root *root = teardown->root;
    const struct legacy_paths *paths = &teardown->bake.paths;
    teardown->modules.version = teardown->marker.driver_version;
    int rc = root->is_host ? known_modules_read_record(&teardown->modules, root, err) : 0;
    for (size_t i = 0; root->is_host && !rc && i < paths->count; i++)
        if (paths->items[i].class == LEGACY_MODULE && paths->items[i].ours)
            rc = known_modules_add_file(&teardown->modules, root, paths->items[i].path, err);
    return rc;
}

/* The status comes from the final state, never from what was meant to be done (incident T10). */
static int look(const struct legacy_teardown *teardown, struct teardown_result *result,
                struct error *err) {
    AUTO_LEGACY_BAKE struct legacy_bake left = {0};
    int rc = legacy_bake_find(teardown->root, &teardown->marker, &left, err);
    if (!rc)
        rc = legacy_removal_resolves(teardown->root, &left, &result->modprobe_after, err);
    if (rc)
        return rc;
    result->foreign = left.foreign;
    result->left = left.left;
    result->dkms_after = left.registered;
    result->module_after = resident_any(teardown->root, &teardown->modules);
    result->initramfs = teardown_initramfs_of(
        legacy_initramfs_check(teardown->root, &left, result->left ? NULL : err));
    result->complete = result->left == 0 && !result->module_after && !result->modprobe_after &&
                       result->initramfs == TEARDOWN_INITRAMFS_CLEAN;
    return 0;
}

static int incomplete(const struct teardown_result *result, struct error *err) {
    if (err->kind == ERROR_NONE && result->left > 0)
        error_set(err, ERROR_INCOMPLETE, EBUSY, "%u paths of the legacy bake are left",
                  result->left);
    if (err->kind == ERROR_NONE && result->modprobe_after)
        error_set(err, ERROR_INCOMPLETE, EBUSY, "modprobe still resolves a module of the bake");
    if (err->kind == ERROR_NONE)
        error_set(err, ERROR_INCOMPLETE, EBUSY,
                  "a module of the bake, or one that can't be told from it, is still loaded");
    err->kind = ERROR_INCOMPLETE;
    return error_wrap(err, -EBUSY, "the teardown is incomplete, run it again");
}

static bool is_done(int rc) {
    return rc == 0 || rc == -ENOENT || rc == -ENOTEMPTY;
}

/* The folder that the lock and depmod needed goes when it is empty: a record of loaded modules
 * keeps it for the next run. */
static int remove_folders(const struct root *root, const struct strlist *made, struct error *err) {
    int rc = file_remove_dir(root, STATE_FOLDER_STORE, err);
    if (is_done(rc))
        rc = file_remove_dir(root, STATE_FOLDER, err);
    for (size_t i = made->count; i-- > 0 && is_done(rc);)
        rc = file_remove_dir(root, made->items[i], err);
    return is_done(rc) ? 0 : rc;
}

/* The marker is the last to go: what is left without one is never looked at again. */
static int finish(const struct legacy_teardown *teardown, struct error *err) {
    int rc = durability_sync(teardown->root, err);
    if (!rc)
        rc = bake_remove_records(teardown->root, err);
    if (!rc)
        rc = remove_folders(teardown->root, &teardown->made, err);
    return rc ? rc : file_remove(teardown->root, teardown->marker_path, err);
}

/* Modules first: from then on nothing autoloads. A failure is not the end: what is left decides. */
static int remove_all(struct legacy_teardown *teardown, struct error *err) {
    const struct root *root = teardown->root;
    const char *version = teardown->marker.driver_version;
    int first = legacy_removal_modules(root, version, &teardown->bake, err);
    int rc = resident_unload(root, &teardown->modules, first ? NULL : err);
    if (!first)
        first = legacy_removal_registration(root, version, &teardown->bake, rc ? NULL : err);
    first = first ? first : rc;
    rc = legacy_removal_userspace(root, &teardown->bake, first ? NULL : err);
    return first ? first : rc;
}

static int act(struct legacy_teardown *teardown, const struct teardown_options *options,
               struct teardown_result *result, struct error *err) {
    result->dkms_before = teardown->bake.registered;
    result->module_before = resident_any(teardown->root, &teardown->modules);
    int rc = options->force_files ? 0 : resident_peek(teardown->root, &teardown->modules, err);
    if (!rc && result->module_before)
        rc = known_modules_write_record(&teardown->modules, teardown->root, err);
    if (rc)
        return rc;
    result->acted = true;
    int removed = remove_all(teardown, err);
    struct error left = {0};
    rc = look(teardown, result, removed ? &left : err);
    if (removed)
        result->complete = false;
    if (removed == -EINTR)
        return removed;
    if (rc || !result->complete)
        return rc ? rc : incomplete(result, err);
    rc = finish(teardown, err);
    result->marker_after = root_exists(teardown->root, teardown->marker_path);
    return rc;
}

static int run_locked(struct legacy_teardown *teardown, const struct teardown_options *options,
                      struct teardown_result *result, struct error *err) {
    AUTO_MARKER struct marker own = {0};
    int rc = bake_find(teardown->root, &own, err);
    if (rc > 0)
        return error_set(err, ERROR_LOCKED, EAGAIN, "%s/ was baked meanwhile; run it again",
                         teardown->root->path);
    if (!rc)
        rc = marker_read_legacy(teardown->root, teardown->marker_path, &teardown->marker, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    result->marker_after = true;
    rc = legacy_bake_find(teardown->root, &teardown->marker, &teardown->bake, err);
    if (!rc)
        rc = find_modules(teardown, err);
    return rc ? rc : act(teardown, options, result, err);
}

/* A bake that was killed may have placed its compat marker already: then that is no legacy image.
 */
static int take_back_bake(const struct root *root, const struct teardown_options *options,
                          struct error *err) {
    if (!root_exists(root, STATE_FOLDER_JOURNAL) || root_exists(root, STATE_FOLDER_MARKER))
        return 0;
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(root, options->lock_wait, &lock, err);
    return rc == -ENOENT ? 0 : rc ? rc : bake_recover(root, err);
}

static int run(struct legacy_teardown *teardown, const struct teardown_options *options,
               struct teardown_result *result, struct error *err) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = take_back_bake(teardown->root, options, err);
    if (rc || !root_exists(teardown->root, teardown->marker_path))
        return rc;
    rc = lock_take_making(teardown->root, options->lock_wait, &teardown->made, &lock, err);
    if (rc)
        return rc;
    rc = run_locked(teardown, options, result, err);
    int cleared = remove_folders(teardown->root, &teardown->made, rc ? NULL : err);
    return rc ? rc : cleared;
}

int legacy_teardown_run(const struct root *root, const char *marker_path,
                        const struct teardown_options *options, struct teardown_result *result,
                        struct error *err) {
    *result = (struct teardown_result){0};
    struct timespec start = stopwatch_start();
    if (!safe_name_path(marker_path))
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--legacy-marker takes an absolute path inside the root, not '%s'",
                         marker_path);
    AUTO(release)
    struct legacy_teardown teardown = {.root = root, .marker_path = marker_path};
    int rc = run(&teardown, options, result, err);
    result->duration_ms = stopwatch_milliseconds(&start);
    return rc;
}
