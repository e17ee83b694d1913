#include "kmod/lifecycle/teardown.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/stopwatch.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/bake_initramfs.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/bake_residents.h"
#include "kmod/lifecycle/derived.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/facts_rebuild.h"
#include "kmod/lifecycle/linked_modules.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/registration.h"
#include "kmod/lifecycle/removal.h"
#include "kmod/lifecycle/resident.h"
#include "kmod/lifecycle/resolution.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"
#include "kmod/lifecycle/transfer.h"
#include "kmod/system/index_refresh.h"
#include "kmod/system/loader_cache.h"
#include "kmod/system/module_index.h"

/* One teardown under way. */
struct teardown {
    const struct root *root;
    struct marker marker;
    struct manifest manifest;
    struct facts facts;
    bool facts_lost; /* content decides what is ours, and every index is made anew */
    enum state_word word;
    bool parked; /* things are in the store */
    struct removal removal;
    struct ownership_packages packages;
    struct derived derived; /* not in the manifest: DKMS made it from what is */
    struct known_modules modules;
    struct weak_links links; /* to the bake's modules, from other kernels */
    struct strlist refresh;  /* kernels that need a fresh depmod */
    bool loader_left;        /* the loader's cache could not be put right */
};

static void release(struct teardown *teardown) {
    derived_release(&teardown->derived);
    marker_release(&teardown->marker);
    manifest_release(&teardown->manifest);
    ownership_packages_release(&teardown->packages);
    facts_release(&teardown->facts);
    known_modules_release(&teardown->modules);
    weak_links_release(&teardown->links);
    strlist_release(&teardown->refresh);
}

static bool is_ending(const struct root *root) {
    enum state_word word;
    struct error ignored = {0};
    return state_word_read(root, &word, &ignored) == 0 && word == STATE_TEARING_DOWN;
}

/* An activation or a parking did not come to its end: things are on the way. */
static bool is_moving(const struct teardown *teardown) {
    return teardown->parked &&
           (teardown->word == STATE_ACTIVATING || teardown->word == STATE_PARKING);
}

static int find_links(struct teardown *teardown, struct error *err) {
    struct removal removal = teardown->removal;
    removal.context.copied |= is_moving(teardown);
    return linked_modules_find(&removal, &teardown->links, err);
}

/* Facts make a teardown exact and quick; without them it still is right. */
static int read_facts(struct teardown *teardown, struct error *err) {
    struct error reason = {0};
    int rc = bake_records_facts(teardown->root, &teardown->marker, &teardown->facts, &reason);
    teardown->facts_lost = rc != 0;
    const struct facts *facts = rc ? NULL : &teardown->facts;
    if (rc) {
        log_warning("%s; contents decide what is ours", reason.text);
        rc = facts_rebuild(&teardown->manifest, &teardown->marker, &teardown->facts, err);
        if (rc)
            return rc;
    }
    teardown->removal =
        (struct removal){.root = teardown->root, .manifest = &teardown->manifest, .facts = facts};
    /* A word that can't be read is no reason to leave a bake where it is. */
    struct error unreadable = {0};
    if (state_word_read(teardown->root, &teardown->word, &unreadable))
        teardown->word = STATE_NONE;
    teardown->parked = teardown->word == STATE_PARKED || parked_store_is_home(&teardown->facts);
    rc = ownership_context_make(teardown->root, facts, &teardown->removal.context, err);
    teardown->packages.manifest = &teardown->manifest;
    teardown->removal.context.packages = &teardown->packages;
    if (!rc)
        rc = find_links(teardown, err);
    /* What DKMS has of a parked bake's name is somebody else's. */
    if (!rc && !teardown->parked)
        rc = derived_open(&teardown->derived, &teardown->removal, &teardown->marker, err);
    return rc ? rc
              : bake_residents_find(&teardown->removal, &teardown->facts, &teardown->derived,
                                    &teardown->modules, err);
}

static int restore_index(struct teardown *teardown, const struct module_index *index,
                         struct error *err) {
    bool needs_refresh = false;
    int rc = module_index_restore(teardown->root, index, STATE_FOLDER_STORE, &needs_refresh, err);
    if (!rc && !needs_refresh)
        rc = removal_foreign_module(&teardown->removal, index->kernel, &needs_refresh, err);
    if (!rc && needs_refresh && strlist_add(&teardown->refresh, index->kernel))
        rc = error_oom(err, "restoring the module index");
    return rc;
}

static int restore_indexes(struct teardown *teardown, struct error *err) {
    if (teardown->facts_lost)
        return strlist_add(&teardown->refresh, teardown->marker.kernel)
                   ? error_oom(err, "restoring the module index")
                   : 0;
    for (size_t i = 0; i < teardown->facts.index_count; i++) {
        int rc = restore_index(teardown, &teardown->facts.indexes[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

static bool has_variants(const struct teardown *teardown, const char *kernel) {
    for (size_t i = 0; i < teardown->facts.index_count; i++)
        if (!strcmp(teardown->facts.indexes[i].kernel, kernel))
            return true;
    return false;
}

/*
 * Kernels whose derived builds were there when the image was sealed have variants, and are switched
 * or to be refreshed already; that some of their files are somebody else's now, no variant knows.
 */
static int remove_derived_files(struct teardown *teardown, struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0};
    int rc = derived_files(&teardown->derived, &kernels, err);
    bool foreign = teardown->derived.removal.foreign > 0;
    for (size_t i = 0; !rc && i < kernels.count; i++)
        if (!strlist_contains(&teardown->refresh, kernels.items[i]) &&
            (foreign || !has_variants(teardown, kernels.items[i])) &&
            strlist_add(&teardown->refresh, kernels.items[i]))
            rc = error_oom(err, "removing what DKMS derived");
    return rc;
}

/* No variant of an index knows what leads to another kernel's modules. */
static int add_linked_kernels(struct teardown *teardown, struct error *err) {
    const struct strlist *kernels = &teardown->links.kernels;
    for (size_t i = 0; i < kernels->count; i++)
        if (!strlist_contains(&teardown->refresh, kernels->items[i]) &&
            strlist_add(&teardown->refresh, kernels->items[i]))
            return error_oom(err, "removing links to the bake's modules");
    return 0;
}

static int leave_links_out(const struct teardown *teardown, struct strlist *without,
                           struct error *err) {
    const struct strlist *links = &teardown->links.canonical;
    int rc = 0;
    for (size_t i = 0; !rc && i < links->count; i++)
        if (strlist_add(without, links->items[i]))
            rc = error_oom(err, "removing links to the bake's modules");
    return rc;
}

/* A module that can't be removed is no reason to leave the others: the index does not show it, and
 * what is left is counted at the end. */
static int refresh_indexes(struct teardown *teardown, struct error *err) {
    AUTO_STRLIST struct strlist left = {0};
    struct error reason = {0};
    int rc = 0;
    if (removal_files(&teardown->removal, REMOVAL_MODULES, &reason))
        rc = removal_left(&teardown->removal, REMOVAL_MODULES, &left, err);
    if (!rc)
        rc = leave_links_out(teardown, &left, err);
    return rc ? rc
              : index_refresh(teardown->root, &teardown->refresh, STATE_FOLDER_STORE, &left, err);
}

/* From here on modprobe resolves nothing of ours. The links go after the indexes that have them, so
 * that who is killed in between finds them again. */
static int disarm(struct teardown *teardown, struct error *err) {
    int rc = restore_indexes(teardown, err);
    if (!rc)
        rc = remove_derived_files(teardown, err);
    if (!rc)
        rc = add_linked_kernels(teardown, err);
    if (!rc && teardown->refresh.count)
        rc = refresh_indexes(teardown, err);
    return rc ? rc : weak_updates_unlink(teardown->root, &teardown->links, err);
}

/* Without facts it is not known what was there before: ldconfig tells what there is now. */
static bool named_libraries(const struct teardown *teardown) {
    for (size_t i = 0; i < teardown->manifest.count; i++)
        if (loader_cache_matters(teardown->manifest.entries[i].path))
            return true;
    return false;
}

/* The libraries are gone. */
static int restore_loader_cache(struct teardown *teardown, struct error *err) {
    const struct root *root = teardown->root;
    bool needs_refresh = false;
    int rc = loader_cache_restore(root, &teardown->facts.loader, STATE_FOLDER_STORE, &needs_refresh,
                                  err);
    if (teardown->facts_lost)
        needs_refresh = named_libraries(teardown);
    if (!rc && needs_refresh)
        rc = loader_cache_refresh(root, STATE_FOLDER_STORE, err);
    teardown->loader_left = rc != 0;
    return rc;
}

static int remove_all(struct teardown *teardown, struct error *err) {
    int first = removal_files(&teardown->removal, REMOVAL_MODULES, err);
    int rc = derived_tree(&teardown->derived, first ? NULL : err);
    first = first ? first : rc;
    rc = removal_files(&teardown->removal, REMOVAL_DKMS, first ? NULL : err);
    first = first ? first : rc;
    rc = removal_files(&teardown->removal, REMOVAL_REST, first ? NULL : err);
    first = first ? first : rc;
    rc = restore_loader_cache(teardown, first ? NULL : err);
    first = first ? first : rc;
    rc = removal_dirs(&teardown->removal, first ? NULL : err);
    return first ? first : rc;
}

static int remove_folder(const struct root *root, struct error *err) {
    int rc = file_remove_dir(root, STATE_FOLDER, err);
    return rc == -ENOTEMPTY || rc == -ENOENT ? 0 : rc;
}

/* The last part: records, marker, state word, folder. What it changed before is on disk first. */
static int remove_state(const struct root *root, struct error *err) {
    int rc = durability_sync(root, err);
    if (!rc)
        rc = bake_remove_records(root, err);
    if (!rc)
        rc = file_remove(root, STATE_FOLDER_MARKER, err);
    if (!rc)
        rc = state_word_write(root, STATE_NONE, err);
    return rc ? rc : remove_folder(root, err);
}

const char *teardown_initramfs_name(enum teardown_initramfs initramfs) {
    static const char *const names[] = {
        [TEARDOWN_INITRAMFS_UNKNOWN] = "",
        [TEARDOWN_INITRAMFS_CLEAN] = "clean",
        [TEARDOWN_INITRAMFS_STALE] = "stale",
        [TEARDOWN_INITRAMFS_UNREAD] = "unread",
    };
    return names[initramfs];
}

enum teardown_initramfs teardown_initramfs_of(int rc) {
    return rc == 0         ? TEARDOWN_INITRAMFS_CLEAN
           : rc == -EEXIST ? TEARDOWN_INITRAMFS_STALE
                           : TEARDOWN_INITRAMFS_UNREAD;
}

/* Nothing here takes a module out of an image: that is the work of the system's own tool. */
static enum teardown_initramfs look_at_initramfs(const struct teardown *teardown,
                                                 struct error *err) {
    return teardown_initramfs_of(
        bake_initramfs_check(&teardown->removal, &teardown->facts, &teardown->derived, err));
}

/* The status comes from the final state, never from what was meant to be done (incident T10). */
static int look(const struct teardown *teardown, struct teardown_result *result,
                struct error *err) {
    struct removal_count count;
    result->dkms_after = registration_present(teardown->root, &teardown->facts);
    result->modprobe_after =
        resolution_of_ours(&teardown->removal, &teardown->facts, &teardown->links.kernels);
    result->module_after = resident_any(teardown->root, &teardown->modules);
    int rc = removal_look(&teardown->removal, &count, err);
    if (rc)
        return rc;
    bool derived = derived_left(&teardown->derived, count.left ? NULL : err);
    result->dkms_after |= derived;
    result->foreign = count.foreign + teardown->derived.removal.foreign;
    result->left = count.left + derived;
    result->initramfs = look_at_initramfs(teardown, result->left ? NULL : err);
    result->complete = result->left == 0 && !result->module_after && !result->modprobe_after &&
                       result->initramfs == TEARDOWN_INITRAMFS_CLEAN && !teardown->loader_left;
    if (teardown->loader_left && result->left == 0)
        error_set(err, ERROR_INCOMPLETE, EBUSY,
                  "%s" LOADER_CACHE " still names libraries of the bake", teardown->root->path);
    return 0;
}

static int incomplete(const struct teardown_result *result, struct error *err) {
    if (err->kind == ERROR_NONE && result->modprobe_after)
        error_set(err, ERROR_INCOMPLETE, EBUSY, "modprobe still resolves a module of the bake");
    if (err->kind == ERROR_NONE)
        error_set(err, ERROR_INCOMPLETE, EBUSY, "a module of the bake is still loaded");
    err->kind = ERROR_INCOMPLETE;
    return error_wrap(err, -EBUSY, "the teardown is incomplete, run it again");
}

/* Nothing was removed yet; what is said is what is there all the same. */
static int give_up(const struct teardown *teardown, struct teardown_result *result, int rc) {
    struct error unused = {0};
    look(teardown, result, &unused);
    result->complete = false;
    return rc;
}

/* The next run has to know what is loaded without the files. On a full disk there is room for that
 * only when some are gone: hence once before, where failing is no matter, and once after. */
static int record_loaded(const struct teardown *teardown, bool any, struct error *err) {
    return any ? known_modules_write_record(&teardown->modules, teardown->root, err) : 0;
}

static int remain(const struct teardown *teardown, struct teardown_result *result,
                  struct error *err) {
    struct error reason = {0};
    if (record_loaded(teardown, result->module_after, &reason))
        log_warning("%s", reason.text);
    return incomplete(result, err);
}

/* Who reads it takes the driver for whole. One that can't go is no reason to leave the rest. */
static void remove_compat_marker(const struct teardown *teardown) {
    struct error reason = {0};
    if (!teardown->parked &&
        removal_path(&teardown->removal, teardown->facts.compat_marker, &reason))
        log_warning("%s", reason.text);
}

/*
 * What an activation that did not come to its end has placed, or a crash kept a parking from taking
 * away: while things were on the way only content tells. It goes before the state says
 * tearing-down, which no longer tells that there was one.
 */
static int take_back_move(struct teardown *teardown, struct error *err) {
    struct removal removal = teardown->removal;
    removal.context.copied = true;
    static const enum removal_class classes[] = {REMOVAL_MODULES, REMOVAL_DKMS, REMOVAL_REST};
    int rc = 0;
    for (size_t i = 0; !rc && i < ARRAY_SIZE(classes); i++)
        rc = removal_files(&removal, classes[i], err);
    return rc ? rc : removal_dirs(&removal, err);
}

/* Nothing of a parked bake is in its places but links that lead there: what else is there is
 * somebody else's, and all that the manifest says goes with the store. */
static int empty_places(struct teardown *teardown, struct error *err) {
    const struct weak_links *links = &teardown->links;
    int rc = is_moving(teardown) ? take_back_move(teardown, err) : 0;
    if (!rc && links->kernels.count)
        rc = index_refresh(teardown->root, &links->kernels, STATE_FOLDER_STORE, &links->canonical,
                           err);
    if (!rc)
        rc = weak_updates_unlink(teardown->root, links, err);
    if (!rc)
        manifest_release(&teardown->manifest);
    return rc;
}

static int act(struct teardown *teardown, const struct teardown_options *options,
               struct teardown_result *result, struct error *err) {
    result->dkms_before = registration_present(teardown->root, &teardown->facts);
    result->module_before = resident_any(teardown->root, &teardown->modules);
    int rc = options->force_files ? 0 : resident_peek(teardown->root, &teardown->modules, err);
    if (rc)
        return rc;
    result->acted = true;
    (void)record_loaded(teardown, result->module_before, NULL);
    remove_compat_marker(teardown);
    if (teardown->word != STATE_PARKED && root_exists(teardown->root, PARKED_STORE))
        rc = transfer_remove_temporaries(&teardown->removal, err);
    if (!rc)
        rc = teardown->parked ? empty_places(teardown, err) : disarm(teardown, err);
    if (!rc)
        rc = durability_sync_others(teardown->root, err);
    if (!rc)
        rc = state_word_write(teardown->root, STATE_TEARING_DOWN, err);
    if (rc)
        return give_up(teardown, result, rc);
    /* Failures are not the end: what is left decides, below. */
    rc = resident_unload(teardown->root, &teardown->modules, err);
    int removed = remove_all(teardown, rc ? NULL : err);
    struct error left = {0};
    int looked = look(teardown, result, &left);
    if (looked || !result->complete) {
        if (!rc && !removed)
            *err = left;
        return looked ? looked : remain(teardown, result, err);
    }
    *err = (struct error){0};
    rc = remove_state(teardown->root, err);
    result->marker_after = root_exists(teardown->root, STATE_FOLDER_MARKER);
    return rc;
}

/* Without a marker: only what was killed right at its end, or its beginning, left something. */
static int finish_killed(const struct root *root, struct error *err) {
    return is_ending(root) ? remove_state(root, err) : remove_folder(root, err);
}

/* A teardown that had looked, had found nothing left, and was killed while it removed its records.
 */
static bool was_complete(const struct root *root) {
    return is_ending(root) && !root_exists(root, STATE_FOLDER_MANIFEST);
}

static int complete(const struct root *root, struct teardown_result *result, struct error *err) {
    result->acted = result->complete = true;
    result->initramfs = TEARDOWN_INITRAMFS_CLEAN;
    int rc = remove_state(root, err);
    result->marker_after = root_exists(root, STATE_FOLDER_MARKER);
    return rc;
}

static int run_locked(struct teardown *teardown, const struct teardown_options *options,
                      struct teardown_result *result, struct error *err) {
    int rc = bake_find(teardown->root, &teardown->marker, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return finish_killed(teardown->root, err);
    if (was_complete(teardown->root))
        return complete(teardown->root, result, err);
    result->marker_after = true;
    rc = bake_records_manifest(teardown->root, &teardown->marker, &teardown->manifest, err);
    if (!rc)
        rc = read_facts(teardown, err);
    if (!rc)
        rc = state_folder_check_store(teardown->root, err);
    return rc ? rc : act(teardown, options, result, err);
}

int teardown_run(const struct root *root, const struct teardown_options *options,
                 struct teardown_result *result, struct error *err) {
    *result = (struct teardown_result){0};
    struct timespec start = stopwatch_start();
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(root, options->lock_wait, &lock, err);
    if (rc == -ENOENT)
        return 0;
    if (rc)
        return rc;
    AUTO(release) struct teardown teardown = {.root = root};
    rc = run_locked(&teardown, options, result, err);
    result->duration_ms = stopwatch_milliseconds(&start);
    return rc;
}
