#include "kmod/lifecycle/status.h"

#include <string.h>

#include "kmod/lifecycle/facts_read.h"
#include "kmod/lifecycle/manifest_read.h"
#include "kmod/lifecycle/ownership.h"
#include "kmod/lifecycle/registration.h"
#include "kmod/lifecycle/state_folder.h"

static int missing_record(const struct root *root, const char *path, struct error *err) {
    return error_set(err, ERROR_DAMAGED, ENOENT,
                     "%s" STATE_FOLDER " has a marker but no %s; bake again, or run "
                     "'prebake-node teardown'",
                     root->path, path);
}

static int count_paths(const struct root *root, struct status *status, struct error *err) {
    AUTO_MANIFEST struct manifest manifest = {0};
    struct ownership_context context;
    int rc = manifest_read(root, &manifest, NULL, err);
    if (rc == -ENOENT)
        return missing_record(root, "manifest.mtree", err);
    if (!rc)
        rc = ownership_context_make(root, &status->facts, &context, err);
    for (size_t i = 0; !rc && i < manifest.count; i++) {
        const struct facts_placed *placed =
            i < status->facts.placed_count ? &status->facts.placed[i] : NULL;
        enum ownership ownership = OWNERSHIP_GONE;
        rc = ownership_check(root, &context, &manifest.entries[i], placed, &ownership, err);
        status->paths++;
        status->ours += ownership == OWNERSHIP_OURS;
        status->gone += ownership == OWNERSHIP_GONE;
        status->foreign += ownership == OWNERSHIP_FOREIGN;
    }
    return rc;
}

int status_read(const struct root *root, struct status *status, struct error *err) {
    *status = (struct status){0};
    int rc = marker_read(root, &status->marker, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    status->marker_present = true;
    rc = state_word_read(root, &status->word, err);
    if (!rc)
        rc = facts_read(root, &status->facts, err);
    if (rc == -ENOENT)
        rc = missing_record(root, "facts", err);
    if (!rc)
        rc = count_paths(root, status, err);
    if (rc)
        return rc;
    status->dkms_registered = registration_present(root, &status->facts);
    status->modprobe = registration_resolves(root, &status->facts, true);
    return 0;
}

void status_release(struct status *status) {
    marker_release(&status->marker);
    facts_release(&status->facts);
}
