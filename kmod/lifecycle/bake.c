#include "kmod/lifecycle/bake.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/facts_read.h"
#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/link_groups.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/manifest_read.h"
#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/ownership.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/placing_record.h"
#include "kmod/lifecycle/placing_space.h"
#include "kmod/lifecycle/resolution.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"

int bake_find(const struct root *root, struct marker *marker, struct error *err) {
    int rc = marker_read(root, marker, err);
    return rc == -ENOENT ? 0 : rc ? rc : 1;
}

static int remove_store(const struct root *root, struct error *err) {
    AUTO_CLOSE int folder = -1;
    int rc = state_folder_open(root, &folder, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    rc = tree_remove(folder, "store", err);
    return rc ? error_wrap(err, rc, "%s" STATE_FOLDER, root->path) : 0;
}

int bake_remove_records(const struct root *root, struct error *err) {
    int rc = file_remove(root, STATE_FOLDER_MANIFEST, err);
    if (!rc)
        rc = file_remove(root, STATE_FOLDER_FACTS, err);
    if (!rc)
        rc = remove_store(root, err);
    return rc ? rc : file_remove(root, STATE_FOLDER_JOURNAL, err);
}

/* Records, state word, and the folder itself when nothing else is in it. */
static int remove_state(const struct root *root, struct error *err) {
    int rc = bake_remove_records(root, err);
    if (!rc)
        rc = state_word_write(root, STATE_NONE, err);
    if (rc)
        return rc;
    rc = file_remove_dir(root, STATE_FOLDER, err);
    return rc == -ENOTEMPTY || rc == -ENOENT ? 0 : rc;
}

bool bake_is_unfinished(const struct root *root) {
    return !root_exists(root, STATE_FOLDER_MARKER) &&
           (root_exists(root, STATE_FOLDER_WORD) || root_exists(root, STATE_FOLDER_JOURNAL));
}

int bake_recover(const struct root *root, struct error *err) {
    AUTO_JOURNAL struct journal journal = {0};
    if (root_exists(root, STATE_FOLDER_MARKER))
        return 0;
    int rc = journal_read(root, &journal, err);
    if (rc == 0) {
        log_step("taking back a bake of %s/ that was interrupted", root->path);
        rc = journal_roll_back(root, &journal, err);
    }
    if (rc && rc != -ENOENT)
        return error_wrap(err, rc, "can't take back an interrupted bake");
    AUTO_CLOSE int folder = -1;
    rc = state_folder_open(root, &folder, err);
    return rc == -ENOENT ? 0 : rc ? rc : remove_state(root, err);
}

static int keep_indexes(const struct root *root, struct bake *bake, struct error *err) {
    for (size_t i = 0; i < bake->kernels.count; i++) {
        struct module_index *index = facts_add_index(&bake->facts);
        if (!index)
            return error_oom(err, "keeping the module index");
        const char *kernel = bake->kernels.items[i];
        int rc = module_index_keep(root, kernel, STATE_FOLDER_STORE, index, err);
        if (rc)
            return rc;
        if (index->stale)
            log_warning("the module index of %s was stale before the bake (index=stale); a "
                        "teardown brings back exactly that one",
                        kernel);
    }
    return 0;
}

/* Whether ldconfig would write another cache afterwards. */
static bool changes_loader_path(const struct placing *placing) {
    for (size_t i = 0; i < placing->count; i++)
        if (loader_cache_matters(placing->items[i].path))
            return true;
    return false;
}

static int keep_loader_cache(const struct root *root, struct bake *bake, struct error *err) {
    if (!changes_loader_path(&bake->placing))
        return 0;
    return loader_cache_keep(root, STATE_FOLDER_STORE, &bake->facts.loader, err);
}

static int build_loader_cache(const struct root *root, struct bake *bake, struct error *err) {
    if (!changes_loader_path(&bake->placing))
        return 0;
    return loader_cache_build(root, STATE_FOLDER_STORE, &bake->facts.loader, err);
}

static int place_files(const struct root *root, struct bake *bake, struct journal *journal,
                       struct error *err) {
    int rc = journal_begin(journal, err);
    for (size_t i = 0; !rc && i < bake->kernels.count; i++)
        if (strlist_add(&journal->kernels, bake->kernels.items[i]))
            rc = error_oom(err, "writing the journal");
    if (!rc)
        rc = journal_write(root, journal, err);
    if (!rc)
        rc = root_make_dirs(root, STATE_FOLDER_STORE, 0700, NULL, err);
    if (!rc)
        rc = keep_indexes(root, bake, err);
    if (!rc)
        rc = keep_loader_cache(root, bake, err);
    if (!rc)
        rc = placing_run(&bake->placing, root, journal, err);
    return rc || !bake->check ? rc : bake->check(root, &bake->placing, err);
}

static int build_indexes(const struct root *root, struct bake *bake, struct error *err) {
    for (size_t i = 0; i < bake->facts.index_count; i++) {
        int rc = module_index_build(root, STATE_FOLDER_STORE, &bake->facts.indexes[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

static int record_facts(const struct root *root, const struct manifest *manifest,
                        struct facts *facts, struct error *err) {
    for (size_t i = 0; i < manifest->count; i++) {
        struct facts_placed *placed = facts_add_placed(facts);
        if (!placed)
            return error_oom(err, "recording what was placed");
        int rc = facts_record_placed(root, manifest->entries[i].path, placed, err);
        if (rc)
            return rc;
    }
    int rc = link_groups_find(root, manifest, facts, err);
    if (!rc)
        rc = facts_record_manifest(root, facts, err);
    return rc ? rc : facts_write(root, facts, err);
}

static int write_marker(const struct root *root, const struct facts *facts, struct error *err) {
    struct marker marker = {
        .kernel = facts->kernel,
        .driver_version = facts->driver_version,
        .driver_kind = facts->driver_kind,
        .arch = facts->machine,
        .module = facts->module,
        .manifest_sha256 = (char *)facts->manifest.sha256,
    };
    return marker_write(root, &marker, err);
}

static int activate(const struct root *root, struct bake *bake, struct error *err) {
    AUTO_JOURNAL struct journal journal = {0};
    int rc = state_word_write(root, STATE_ACTIVATING, err);
    if (!rc)
        rc = place_files(root, bake, &journal, err);
    if (!rc)
        rc = durability_sync(root, err);
    if (!rc)
        rc = state_word_write(root, STATE_ACTIVE, err);
    if (!rc)
        rc = build_loader_cache(root, bake, err);
    if (!rc)
        rc = build_indexes(root, bake, err);
    return rc ? rc : placing_run_held(&bake->placing, root, &journal, err);
}

static int place(const struct root *root, struct bake *bake, struct error *err) {
    AUTO_MANIFEST struct manifest manifest = {0};
    int rc = activate(root, bake, err);
    if (!rc)
        rc = resolution_check(root, &bake->facts, err);
    if (!rc)
        rc = placing_record(&bake->placing, root, &manifest, err);
    if (!rc)
        rc = manifest_write(root, &manifest, bake->facts.manifest.sha256, err);
    if (!rc)
        rc = record_facts(root, &manifest, &bake->facts, err);
    if (!rc)
        rc = durability_sync(root, err);
    if (!rc)
        rc = write_marker(root, &bake->facts, err);
    if (!rc)
        rc = file_sync_fs(root, STATE_FOLDER, err);
    return rc;
}

int bake_place(const struct root *root, struct bake *bake, struct error *err) {
    int rc = placing_space_check(&bake->placing, root, err);
    if (rc)
        return rc;
    rc = place(root, bake, err);
    if (!rc)
        rc = file_remove(root, STATE_FOLDER_JOURNAL, err);
    if (!rc)
        return 0;
    struct error recovery = {0};
    if (file_remove(root, STATE_FOLDER_MARKER, &recovery) || bake_recover(root, &recovery))
        return error_wrap(err, rc, "not all could be taken back (%s); run the bake again",
                          recovery.text);
    return rc;
}

int bake_check_paths(const struct root *root, const struct manifest *manifest,
                     const struct facts *facts, struct error *err) {
    AUTO_MANIFEST struct manifest parked = {0};
    AUTO_OWNERSHIP_PACKAGES struct ownership_packages packages = {.manifest = manifest};
    struct ownership_context context;
    bool in_store = parked_store_is_home(facts);
    int rc = in_store ? parked_store_manifest(manifest, &parked, err) : 0;
    if (!rc)
        rc = ownership_context_make(root, facts, &context, err);
    /* The store is no package's. */
    context.packages = in_store ? NULL : &packages;
    return rc ? rc : ownership_check_all(root, &context, in_store ? &parked : manifest, facts, err);
}

int bake_check_whole(const struct root *root, struct error *err) {
    AUTO_MANIFEST struct manifest manifest = {0};
    AUTO_FACTS struct facts facts = {0};
    int rc = manifest_read(root, &manifest, NULL, err);
    if (!rc)
        rc = facts_read(root, &facts, err);
    if (rc == -ENOENT)
        return error_set(err, ERROR_DAMAGED, ENOENT,
                         "%s" STATE_FOLDER " has a marker but not its manifest and facts",
                         root->path);
    return rc ? rc : bake_check_paths(root, &manifest, &facts, err);
}

void bake_release(struct bake *bake) {
    placing_release(&bake->placing);
    strlist_release(&bake->kernels);
    facts_release(&bake->facts);
}
