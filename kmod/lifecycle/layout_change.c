#include "kmod/lifecycle/layout_change.h"

#include "base/file.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/transfer.h"

int layout_change_no_bake(const struct root *root, struct error *err) {
    return error_set(err, ERROR_MISMATCH, ENOENT, "%s/ carries no bake: install the driver in full",
                     root->path);
}

static int read_records(struct layout_change *change, struct error *err) {
    const struct root *root = change->root;
    int found = bake_find(root, &change->marker, err);
    if (found <= 0)
        return found ? found : layout_change_no_bake(root, err);
    int rc = state_word_read(root, &change->word, err);
    if (!rc && (change->word == STATE_TEARING_DOWN || change->word == STATE_NONE))
        return error_set(err, ERROR_INCOMPLETE, EBUSY,
                         "a teardown of the bake of %s/ has begun: run 'prebake-node teardown' to "
                         "its end, then install in full",
                         root->path);
    if (!rc)
        rc = state_folder_check_store(root, err);
    if (!rc)
        rc = bake_records_manifest(root, &change->marker, &change->manifest, err);
    return rc ? rc : bake_records_facts(root, &change->marker, &change->facts, err);
}

/* While things are in the store, or on their way from it, only content tells what is in a place. */
static int open_removal(struct layout_change *change, struct error *err) {
    change->removal = (struct removal){
        .root = change->root, .manifest = &change->manifest, .facts = &change->facts};
    int rc = ownership_context_make(change->root, &change->facts, &change->removal.context, err);
    change->removal.context.copied |= parked_store_is_home(&change->facts);
    change->packages.manifest = &change->manifest;
    change->removal.context.packages = &change->packages;
    change->resumed = change->word != STATE_PARKED && root_exists(change->root, PARKED_STORE);
    change->removal.resumed = change->resumed;
    return rc || !change->resumed ? rc : transfer_remove_temporaries(&change->removal, err);
}

int layout_change_open(struct layout_change *change, const struct root *root, struct error *err) {
    *change = (struct layout_change){.root = root};
    int rc = read_records(change, err);
    return rc ? rc : open_removal(change, err);
}

int layout_change_say(struct layout_change *change, enum state_word word, struct error *err) {
    change->word = word;
    int rc = state_word_write(change->root, word, err);
    return rc ? rc : file_sync_fs(change->root, STATE_FOLDER, err);
}

int layout_change_publish(struct layout_change *change, enum state_word word, struct error *err) {
    int rc = facts_write(change->root, &change->facts, err);
    if (!rc)
        rc = durability_sync(change->root, err);
    return rc || word == change->word ? rc : layout_change_say(change, word, err);
}

void layout_change_release(struct layout_change *change) {
    marker_release(&change->marker);
    manifest_release(&change->manifest);
    ownership_packages_release(&change->packages);
    facts_release(&change->facts);
}
