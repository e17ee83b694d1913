#include "kmod/lifecycle/activate.h"

#include "base/stopwatch.h"
#include "kmod/lifecycle/activate_load.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/free_places.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/park.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/resolution.h"
#include "kmod/lifecycle/target_match.h"
#include "kmod/lifecycle/transfer.h"
#include "kmod/system/index_parking.h"
#include "kmod/system/index_variants.h"
#include "kmod/system/loader_cache.h"

static const char activating[] = "activating the bake";

/* One run. */
struct activation {
    struct layout_change change;
    struct strlist switchable; /* kernels whose index goes by renames */
    struct strlist renewed;    /* kernels whose index is to be committed */
};

static void release(struct activation *activation) {
    layout_change_release(&activation->change);
    strlist_release(&activation->switchable);
    strlist_release(&activation->renewed);
}

/* To be asked before any module file is placed. */
static int find_switchable(struct activation *activation, struct error *err) {
    const struct facts *facts = &activation->change.facts;
    for (size_t i = 0; i < facts->index_count; i++)
        if (index_parking_can_activate(activation->change.root, &facts->indexes[i],
                                       STATE_FOLDER_STORE) &&
            strlist_add(&activation->switchable, facts->indexes[i].kernel))
            return error_oom(err, activating);
    return 0;
}

static int place_inert(struct activation *activation, struct error *err) {
    struct layout_change *change = &activation->change;
    int rc = transfer_to_places(&change->removal, REMOVAL_REST, err);
    if (!rc)
        rc = transfer_to_places(&change->removal, REMOVAL_MODULES, err);
    if (!rc)
        rc = transfer_record(change->root, &change->manifest, &change->facts, false,
                             change->resumed, err);
    return rc ? rc : layout_change_publish(change, STATE_ACTIVE, err);
}

/* What was placed goes back; the first error is the one that counts. */
static int go_back(struct activation *activation, int rc, struct error *err) {
    struct error reason = {0};
    AUTO_LAYOUT_CHANGE struct layout_change back = {0};
    int failed = layout_change_open(&back, activation->change.root, &reason);
    if (!failed)
        failed = park_opened(&back, &reason);
    if (!failed)
        return rc;
    return error_set(err, ERROR_INCOMPLETE, -rc,
                     "the activation failed and not all went back to the store (%.300s); run "
                     "'prebake-node park' or 'prebake-node teardown'",
                     reason.text);
}

/* The real depmod, for the tree as it is and as it would be without the bake. */
static int renew_index(struct activation *activation, struct module_index *index,
                       struct error *err) {
    const struct root *root = activation->change.root;
    AUTO_STRLIST struct strlist ours = {0};
    bool renewed = false;
    int rc = facts_modules_of(&activation->change.facts, root, index->kernel, &ours, err);
    if (!rc)
        rc = index_parking_forget(root, index->kernel, STATE_FOLDER_STORE, err);
    return rc ? rc : index_variants_renew(root, STATE_FOLDER_STORE, &ours, index, &renewed, err);
}

static int switch_index(struct activation *activation, struct module_index *index,
                        struct error *err) {
    int rc = strlist_contains(&activation->switchable, index->kernel)
                 ? index_parking_activate(activation->change.root, index, STATE_FOLDER_STORE, err)
                 : renew_index(activation, index, err);
    if (!rc && strlist_add(&activation->renewed, index->kernel))
        rc = error_oom(err, activating);
    return rc;
}

static int commit_indexes(struct activation *activation, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < activation->renewed.count; i++)
        rc = index_variants_commit(activation->change.root, STATE_FOLDER_STORE,
                                   activation->renewed.items[i], err);
    return rc;
}

/* From the state `active` on. */
static int complete(struct activation *activation, struct error *err) {
    struct layout_change *change = &activation->change;
    int rc = loader_cache_activate(change->root, STATE_FOLDER_STORE, &change->facts.loader, err);
    for (size_t i = 0; !rc && i < change->facts.index_count; i++)
        rc = switch_index(activation, &change->facts.indexes[i], err);
    if (!rc)
        rc = transfer_to_places(&change->removal, REMOVAL_DKMS, err);
    if (!rc)
        rc = transfer_compat_to_place(&change->removal, err);
    if (!rc)
        rc = transfer_record_more(change->root, &change->manifest, &change->facts, change->resumed,
                                  err);
    if (!rc)
        rc = layout_change_publish(change, STATE_ACTIVE, err);
    if (!rc)
        rc = commit_indexes(activation, err);
    return rc ? rc : transfer_clear_store(change->root, err);
}

/* A driver that modprobe prefers to the bake's, or a line of depmod.d that has it do so, or that
 * has it pass over the bake's: then the bake is of no use in its places. */
static int check_found(struct activation *activation, struct error *err) {
    const struct root *root = activation->change.root;
    const struct facts *facts = &activation->change.facts;
    AUTO_FREE char *other = NULL;
    enum resolution found = resolution_of(root, facts, &other);
    if (found == RESOLUTION_OWN)
        return 0;
    int rc;
    if (found == RESOLUTION_FOREIGN)
        rc = error_set(err, ERROR_REFUSED, EEXIST,
                       "modprobe finds %s%s instead of the bake's module: remove it, or what "
                       "prefers it in depmod.d, and run depmod",
                       root->path, other ? other : "");
    else
        rc = resolution_check(root, facts, err);
    return rc ? go_back(activation, rc, err) : 0;
}

static int finish(struct activation *activation, struct error *err) {
    int rc = complete(activation, err);
    return rc ? rc : check_found(activation, err);
}

static int begin(struct activation *activation, struct error *err) {
    struct layout_change *change = &activation->change;
    int rc = bake_check_paths(change->root, &change->manifest, &change->facts, err);
    if (!rc)
        rc = free_places_check(change->root, &change->manifest, err);
    return rc ? rc : layout_change_say(change, STATE_ACTIVATING, err);
}

static int place(struct activation *activation, struct error *err) {
    int rc = find_switchable(activation, err);
    if (rc)
        return rc;
    rc = place_inert(activation, err);
    return rc ? go_back(activation, rc, err) : finish(activation, err);
}

/* Active, but not all is in its place, or indexed, or registered: an activation was killed at its
 * end, or a parking at its beginning. */
static int go_on(struct activation *activation, struct error *err) {
    struct layout_change *change = &activation->change;
    int rc = place_inert(activation, err);
    if (!rc)
        rc = finish(activation, err);
    return rc ? rc : bake_check_paths(change->root, &change->manifest, &change->facts, err);
}

static int open_matching(struct layout_change *change, const struct activate_options *options,
                         struct error *err) {
    int rc = options->load ? activate_load_check(change->root, err) : 0;
    if (!rc)
        rc = layout_change_open(change, change->root, err);
    if (!rc && !options->headers_only)
        rc = target_match_installed(change->root, &change->facts, err);
    if (!rc && !options->any_kernel)
        rc = target_match_running(change->root, &change->facts, err);
    return rc ? rc : target_match_symbols(change->root, &change->facts, err);
}

static int run_locked(struct activation *activation, const struct activate_options *options,
                      struct activate_result *result, struct error *err) {
    struct layout_change *change = &activation->change;
    AUTO_FREE char *other = NULL;
    int rc = open_matching(change, options, err);
    if (rc)
        return rc;
    result->acted = change->word != STATE_ACTIVE || root_exists(change->root, PARKED_STORE) ||
                    resolution_of(change->root, &change->facts, &other) != RESOLUTION_OWN;
    if (!result->acted)
        return bake_check_paths(change->root, &change->manifest, &change->facts, err);
    if (change->word == STATE_ACTIVE)
        return go_on(activation, err);
    /* Where a killed run left things, nobody has looked at them: all goes back and begins anew. */
    if (change->word != STATE_PARKED)
        rc = park_opened(change, err);
    if (!rc)
        rc = begin(activation, err);
    return rc ? rc : place(activation, err);
}

int activate_run(const struct root *root, const struct activate_options *options,
                 struct activate_result *result, struct error *err) {
    *result = (struct activate_result){0};
    struct timespec start = stopwatch_start();
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(root, options->lock_wait, &lock, err);
    if (rc)
        return rc == -ENOENT ? layout_change_no_bake(root, err) : rc;
    AUTO(release) struct activation activation = {.change = {.root = root}};
    rc = run_locked(&activation, options, result, err);
    result->duration_ms = stopwatch_milliseconds(&start);
    if (!rc && options->load)
        rc = activate_load_modules(&activation.change.facts, err);
    result->loaded = !rc && options->load;
    return rc;
}
