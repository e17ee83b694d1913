#include "kmod/lifecycle/deregister.h"

#include <string.h>

#include "base/interrupt.h"
#include "base/stopwatch.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/state_word.h"
#include "kmod/system/depmod.h"
#include "kmod/system/dkms_removal.h"
#include "kmod/system/index_refresh.h"
#include "kmod/system/path_component.h"

/* A parked bake has nothing registered: what carries its name then is somebody else's. */
static int refuse_own_bake(const struct root *root, const struct deregister_options *options,
                           struct error *err) {
    AUTO_MARKER struct marker marker = {0};
    enum state_word word;
    int rc = bake_find(root, &marker, err);
    if (rc <= 0)
        return rc;
    rc = state_word_read(root, &word, err);
    if (rc || word == STATE_PARKED)
        return rc;
    if (!marker_matches(marker.module, options->name) ||
        !marker_matches(marker.driver_version, options->version))
        return 0;
    return error_set(err, ERROR_REFUSED, EPERM,
                     "%s/%s is what prebake baked into %s/: 'prebake-node teardown' removes it",
                     options->name, options->version, root->path);
}

/* Neither --all nor a kernel: there must be no choice. The running kernel is never guessed. */
static int choose_kernel(const struct deregister_options *options, struct dkms_removal *removal,
                         struct error *err) {
    const struct strlist *kernels = &removal->builds.kernels;
    removal->kernel = options->all ? NULL : options->kernel;
    if (options->all || options->kernel || kernels->count < 2)
        return 0;
    AUTO_FREE char *names = strlist_join(kernels, ", ");
    return error_set(err, ERROR_USAGE, EINVAL,
                     "%s/%s is built for %s: name one with -k, or say --all", options->name,
                     options->version, names ? names : "several kernels");
}

/* depmod's folder is beside what is being removed: no state folder is made for this. */
static int refresh_indexes(const struct dkms_removal *removal, const struct strlist *kernels,
                           struct error *err) {
    AUTO_FREE char *store = NULL;
    if (asprintf(&store, "%s/.prebake", removal->builds.module_dir) < 0)
        return error_oom(err, "refreshing the module index");
    int first = index_refresh(removal->root, kernels, store, NULL, err);
    int rc = depmod_discard(removal->root, store, first ? NULL : err);
    return first ? first : rc;
}

static int remove_all(struct dkms_removal *removal, struct error *err) {
    AUTO_STRLIST struct strlist refresh = {0};
    int first = interrupt_hold(err);
    if (first)
        return first;
    first = dkms_removal_files(removal, &refresh, err);
    /* Whatever else failed: the index must not name what is gone. */
    int rc = refresh_indexes(removal, &refresh, first ? NULL : err);
    interrupt_let();
    first = first ? first : rc;
    if (!first && refresh.count > 0)
        first = durability_sync(removal->root, err);
    if (!first)
        first = dkms_removal_tree(removal, err);
    return first ? first : dkms_removal_version(removal, err);
}

/* The status comes from what is there afterwards. */
static int look(const struct dkms_removal *removal, bool *complete, struct error *err) {
    AUTO_DKMS_REMOVAL struct dkms_removal again = {
        .root = removal->root,
        .name = removal->name,
        .version = removal->version,
        .kernel = removal->kernel,
    };
    int rc = dkms_removal_open(&again, err);
    *complete = !rc && !dkms_removal_has_any(&again);
    return rc;
}

static int incomplete(const struct deregister_options *options, struct error *err) {
    if (err->kind == ERROR_NONE)
        error_set(err, ERROR_INCOMPLETE, EBUSY, "DKMS still has it");
    err->kind = ERROR_INCOMPLETE;
    return error_wrap(err, -EBUSY, "%s/%s is not removed completely, run it again", options->name,
                      options->version);
}

static int run_locked(struct dkms_removal *removal, const struct deregister_options *options,
                      struct deregister_result *result, struct error *err) {
    int rc = refuse_own_bake(removal->root, options, err);
    if (!rc)
        rc = dkms_removal_open(removal, err);
    if (!rc)
        rc = choose_kernel(options, removal, err);
    if (rc)
        return rc;
    result->looked = true;
    result->present = dkms_removal_has_any(removal);
    /* An earlier run may have been killed before its last step. */
    int removed = result->present ? remove_all(removal, err) : dkms_removal_version(removal, err);
    result->kernels = removal->kernels;
    result->files = removal->files;
    result->foreign = removal->foreign;
    rc = look(removal, &result->complete, removed ? NULL : err);
    if (removed)
        result->complete = false;
    if (removed == -EINTR)
        return removed;
    return rc || !result->complete ? incomplete(options, err) : 0;
}

/* There may be no bake, or one that comes meanwhile, or no DKMS. */
static int take_locks(const struct root *root, struct lock *lock, struct lock *dkms_lock,
                      struct error *err) {
    int rc = lock_take(root, LOCK_WAIT_DEFAULT, lock, err);
    if (!rc || rc == -ENOENT)
        rc = lock_take_dkms(root, LOCK_WAIT_DEFAULT, dkms_lock, err);
    return rc == -ENOENT ? 0 : rc;
}

int deregister_run(const struct root *root, const struct deregister_options *options,
                   struct deregister_result *result, struct error *err) {
    *result = (struct deregister_result){0};
    struct timespec start = stopwatch_start();
    int rc = options->kernel ? path_component_check(options->kernel, "kernel release", err) : 0;
    if (rc)
        return rc;
    AUTO_LOCK struct lock lock = LOCK_INIT, dkms_lock = LOCK_INIT;
    rc = take_locks(root, &lock, &dkms_lock, err);
    if (rc)
        return rc;
    AUTO_DKMS_REMOVAL struct dkms_removal removal = {
        .root = root, .name = options->name, .version = options->version};
    rc = run_locked(&removal, options, result, err);
    result->duration_ms = stopwatch_milliseconds(&start);
    return rc;
}
