#include "kmod/lifecycle/park.h"

#include <string.h>

#include "base/stopwatch.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/bake_residents.h"
#include "kmod/lifecycle/derived.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/resident.h"
#include "kmod/lifecycle/transfer.h"
#include "kmod/system/index_parking.h"
#include "kmod/system/index_refresh.h"
#include "kmod/system/loader_cache.h"

static const char parking[] = "parking the bake";

/* What else has to be known while a bake is parked. */
struct surroundings {
    struct derived derived;
    struct known_modules modules;
    struct strlist refresh; /* kernels that need a fresh depmod */
};

static void release(struct surroundings *around) {
    derived_release(&around->derived);
    known_modules_release(&around->modules);
    strlist_release(&around->refresh);
}

static int look_around(const struct layout_change *change, struct surroundings *around,
                       struct error *err) {
    int rc = derived_open(&around->derived, &change->removal, &change->marker, err);
    return rc ? rc
              : bake_residents_find(&change->removal, &change->facts, &around->derived,
                                    &around->modules, err);
}

/* Of other kernels the bake only knows what DKMS derived, and that goes. */
static bool is_own_kernel(const struct facts *facts, const char *kernel) {
    return strlist_contains(&facts->dkms.kernels, kernel) || !strcmp(facts->kernel, kernel);
}

static int park_indexes(const struct layout_change *change, struct surroundings *around,
                        struct error *err) {
    for (size_t i = 0; i < change->facts.index_count; i++) {
        const struct module_index *index = &change->facts.indexes[i];
        bool needs_refresh = false;
        int rc =
            is_own_kernel(&change->facts, index->kernel)
                ? index_parking_park(change->root, index, STATE_FOLDER_STORE, &needs_refresh, err)
                : module_index_restore(change->root, index, STATE_FOLDER_STORE, &needs_refresh,
                                       err);
        if (rc)
            return rc;
        if (needs_refresh && strlist_add(&around->refresh, index->kernel))
            return error_oom(err, parking);
    }
    return 0;
}

/* A kernel that DKMS built the registration for since the bake was sealed is in no variant. */
static int remove_derived_files(struct surroundings *around, struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0};
    int rc = derived_files(&around->derived, &kernels, err);
    for (size_t i = 0; !rc && i < kernels.count; i++)
        if (!strlist_contains(&around->refresh, kernels.items[i]) &&
            strlist_add(&around->refresh, kernels.items[i]))
            rc = error_oom(err, parking);
    return rc;
}

/* From here on modprobe resolves nothing of ours. */
static int disarm(const struct layout_change *change, struct surroundings *around,
                  struct error *err) {
    int rc = transfer_compat_to_store(&change->removal, err);
    if (!rc)
        rc = park_indexes(change, around, err);
    if (!rc)
        rc = remove_derived_files(around, err);
    if (!rc && around->refresh.count)
        rc = transfer_to_store(&change->removal, REMOVAL_MODULES, err);
    return rc ? rc : index_refresh(change->root, &around->refresh, STATE_FOLDER_STORE, NULL, err);
}

static int settle_indexes(struct layout_change *change, struct error *err) {
    struct facts *facts = &change->facts;
    int rc = 0;
    for (size_t i = facts->index_count; !rc && i-- > 0;)
        if (is_own_kernel(facts, facts->indexes[i].kernel))
            rc = index_parking_settle(change->root, &facts->indexes[i], STATE_FOLDER_STORE, err);
        else
            facts_remove_index(facts, i);
    return rc;
}

static int move_all(struct layout_change *change, struct surroundings *around, struct error *err) {
    const struct removal *removal = &change->removal;
    int rc = transfer_compat_to_store(removal, err);
    if (!rc)
        rc = resident_unload(change->root, &around->modules, err);
    if (!rc)
        rc = transfer_to_store(removal, REMOVAL_MODULES, err);
    if (!rc)
        rc = derived_tree(&around->derived, err);
    if (!rc)
        rc = transfer_to_store(removal, REMOVAL_DKMS, err);
    if (!rc)
        rc = transfer_to_store(removal, REMOVAL_REST, err);
    return rc ? rc : removal_dirs(removal, err);
}

static int finish(struct layout_change *change, struct surroundings *around, struct error *err) {
    int rc = move_all(change, around, err);
    if (!rc)
        rc = settle_indexes(change, err);
    if (!rc)
        rc = loader_cache_park(change->root, STATE_FOLDER_STORE, &change->facts.loader, err);
    if (!rc)
        rc = transfer_record(change->root, &change->manifest, &change->facts, true, change->resumed,
                             err);
    return rc ? rc : layout_change_publish(change, STATE_PARKED, err);
}

static int resume(struct layout_change *change, struct error *err) {
    AUTO(release) struct surroundings around = {0};
    int rc = look_around(change, &around, err);
    if (!rc && change->word != STATE_PARKING)
        rc = layout_change_say(change, STATE_PARKING, err);
    return rc ? rc : finish(change, &around, err);
}

/* What an activation that was killed at its end left in the store is moved already. */
static int check_active(const struct layout_change *change, struct error *err) {
    return change->resumed ? 0
                           : bake_check_paths(change->root, &change->manifest, &change->facts, err);
}

static int park_active(struct layout_change *change, struct error *err) {
    AUTO(release) struct surroundings around = {0};
    int rc = check_active(change, err);
    if (!rc)
        rc = look_around(change, &around, err);
    if (!rc)
        rc = resident_peek(change->root, &around.modules, err);
    if (!rc)
        rc = disarm(change, &around, err);
    if (!rc)
        rc = durability_sync_others(change->root, err);
    if (!rc)
        rc = layout_change_say(change, STATE_PARKING, err);
    return rc ? rc : finish(change, &around, err);
}

int park_opened(struct layout_change *change, struct error *err) {
    return change->word == STATE_ACTIVE ? park_active(change, err) : resume(change, err);
}

static int run_locked(struct layout_change *change, struct park_result *result, struct error *err) {
    int rc = layout_change_open(change, change->root, err);
    if (rc || change->word == STATE_PARKED)
        return rc;
    result->acted = true;
    return park_opened(change, err);
}

int park_run(const struct root *root, const struct park_options *options,
             struct park_result *result, struct error *err) {
    *result = (struct park_result){0};
    struct timespec start = stopwatch_start();
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(root, options->lock_wait, &lock, err);
    if (rc)
        return rc == -ENOENT ? layout_change_no_bake(root, err) : rc;
    AUTO_LAYOUT_CHANGE struct layout_change change = {.root = root};
    rc = run_locked(&change, result, err);
    result->duration_ms = stopwatch_milliseconds(&start);
    return rc;
}
