#include "kmod/lifecycle/seal.h"

#include "base/file.h"
#include "base/log.h"
#include "base/stopwatch.h"
#include "kmod/lifecycle/audit.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/bake_initramfs.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/derived_modules.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/layout.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/recording.h"
#include "kmod/lifecycle/seal_indexes.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"
#include "kmod/system/loader_variants.h"

static int refuse_unbaked(const struct root *root, struct error *err) {
    return error_set(err, ERROR_REFUSED, ENOENT,
                     "%s/ carries no bake, so there is nothing to seal: run 'prebake bake' first, "
                     "and look whether it failed",
                     root->path);
}

/* One run. */
struct seal {
    const struct root *root;
    struct marker marker;
    struct manifest manifest;
    struct facts facts;
    struct removal removal; /* what a teardown would begin with */
    struct derived derived;
    bool has_other_images; /* than were recorded */
};

static void release(struct seal *seal) {
    derived_release(&seal->derived);
    facts_release(&seal->facts);
    manifest_release(&seal->manifest);
    marker_release(&seal->marker);
}

static int check_state(const struct root *root, struct error *err) {
    enum state_word word = STATE_NONE;
    int rc = state_word_read(root, &word, err);
    if (rc || word == STATE_ACTIVE || word == STATE_PARKED)
        return rc;
    return error_set(
        err, ERROR_INCOMPLETE, EBUSY,
        "the bake of %s/ is neither active nor parked but %s: run the command that did not come to "
        "its end again, then seal",
        root->path, state_word_name(word));
}

static int read_bake(struct seal *seal, struct error *err) {
    int found = bake_find(seal->root, &seal->marker, err);
    if (found <= 0)
        return found ? found : refuse_unbaked(seal->root, err);
    int rc = check_state(seal->root, err);
    if (!rc)
        rc = bake_records_manifest(seal->root, &seal->marker, &seal->manifest, err);
    if (!rc)
        rc = bake_records_facts(seal->root, &seal->marker, &seal->facts, err);
    seal->removal =
        (struct removal){.root = seal->root, .manifest = &seal->manifest, .facts = &seal->facts};
    return rc ? rc : ownership_context_make(seal->root, &seal->facts, &seal->removal.context, err);
}

static int check_initramfs(struct seal *seal, unsigned *images, struct error *err) {
    AUTO_INITRAMFS_WANTED struct initramfs_wanted wanted = {0};
    int rc = bake_initramfs_want(&seal->removal, &seal->facts, &seal->derived, &wanted, err);
    return rc ? rc
              : bake_initramfs_record(seal->root, &wanted, &seal->facts, images,
                                      &seal->has_other_images, err);
}

/* Nothing is changed here. */
static int check(struct seal *seal, const struct seal_options *options, struct seal_result *result,
                 struct error *err) {
    int rc = layout_check(seal->root, &seal->manifest, &seal->facts, err);
    if (!rc && options->check)
        rc = options->check(seal->root, &seal->facts, err);
    /* What DKMS has of a parked bake's name is somebody else's. */
    if (!rc && !parked_store_is_home(&seal->facts))
        rc = derived_open(&seal->derived, &seal->removal, &seal->marker, err);
    return rc ? rc : check_initramfs(seal, &result->initramfs, err);
}

static int renew_loader_cache(struct seal *seal, bool *renewed, struct error *err) {
    AUTO_STRLIST struct strlist ours = {0};
    for (size_t i = 0; i < seal->manifest.count; i++)
        if (loader_cache_matters(seal->manifest.entries[i].path) &&
            strlist_add(&ours, seal->manifest.entries[i].path))
            return error_oom(err, "sealing an image");
    int rc = loader_variants_renew(seal->root, STATE_FOLDER_STORE, &ours, &seal->facts.loader,
                                   renewed, err);
    if (!rc && *renewed)
        log_step("made the loader's cache anew");
    return rc;
}

/* A teardown need not read modules that DKMS derived to know them for copies of its own. */
static int renew_compared(struct seal *seal, bool *renewed, struct error *err) {
    AUTO_COMPARED_FILES struct compared_files compared = {0};
    int rc = derived_modules_note(&seal->derived, &compared, err);
    if (rc || compared_files_equal(&compared, &seal->facts.compared))
        return rc;
    const struct compared_files before = seal->facts.compared;
    seal->facts.compared = compared;
    compared = before;
    *renewed = true;
    return 0;
}

/* The facts say what is on disk already, and a teardown switches what the facts on disk say. */
static int write_down(const struct seal *seal, const struct seal_indexes *indexes, bool changed,
                      struct error *err) {
    int rc = changed ? durability_sync(seal->root, err) : 0;
    if (!rc && changed)
        rc = facts_write(seal->root, &seal->facts, err);
    if (!rc && changed)
        rc = file_sync_fs(seal->root, STATE_FOLDER, err);
    if (!rc)
        rc = seal_indexes_commit(seal->root, &seal->facts, indexes, err);
    return rc ? rc : file_sync_fs(seal->root, STATE_FOLDER, err);
}

static int bring_up_to_date(struct seal *seal, struct seal_result *result, struct error *err) {
    AUTO_SEAL_INDEXES struct seal_indexes indexes = {0};
    bool copied = seal->removal.context.copied, loader_renewed = false, compared_renewed = false;
    /* Left by a bake that was killed after its marker. */
    int rc = file_remove(seal->root, STATE_FOLDER_JOURNAL, err);
    if (!rc && copied)
        rc = recording_renew(seal->root, &seal->manifest, &seal->facts, err);
    if (!rc)
        rc = seal_indexes_renew(seal->root, &seal->derived, &seal->facts, &indexes, err);
    if (!rc)
        rc = renew_loader_cache(seal, &loader_renewed, err);
    if (!rc)
        rc = renew_compared(seal, &compared_renewed, err);
    result->kernels = (unsigned)seal->facts.index_count;
    result->refreshed = (unsigned)indexes.renewed.count;
    result->forgotten = indexes.forgotten;
    bool changed = copied || result->refreshed || result->forgotten || loader_renewed ||
                   compared_renewed || seal->has_other_images;
    return rc ? rc : write_down(seal, &indexes, changed, err);
}

/* What a node would find now. */
static int audit(const struct seal *seal, struct error *err) {
    AUTO_AUDIT_REPORT struct audit_report report = {0};
    const struct audit_options options = {.without_initramfs = true};
    int rc = audit_run(seal->root, &options, &report, err);
    return rc ? rc : audit_judge(seal->root, &report, err);
}

static int run_locked(struct seal *seal, const struct seal_options *options,
                      struct seal_result *result, struct error *err) {
    int rc = read_bake(seal, err);
    if (!rc)
        rc = check(seal, options, result, err);
    if (!rc)
        rc = bring_up_to_date(seal, result, err);
    return rc ? rc : audit(seal, err);
}

int seal_run(const struct root *root, const struct seal_options *options,
             struct seal_result *result, struct error *err) {
    *result = (struct seal_result){0};
    struct timespec start = stopwatch_start();
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(root, options->lock_wait, &lock, err);
    if (rc)
        return rc == -ENOENT ? refuse_unbaked(root, err) : rc;
    AUTO(release) struct seal seal = {.root = root};
    rc = run_locked(&seal, options, result, err);
    result->duration_ms = stopwatch_milliseconds(&start);
    return rc;
}
