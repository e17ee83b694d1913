#include "kmod/lifecycle/status.h"

#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/ownership.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/registration.h"
#include "kmod/lifecycle/resolution.h"
#include "kmod/lifecycle/state_folder.h"

static int count_paths(const struct root *root, const struct manifest *manifest,
                       struct status *status, struct error *err) {
    AUTO_MANIFEST struct manifest parked = {0};
    AUTO_OWNERSHIP_PACKAGES struct ownership_packages packages = {.manifest = manifest};
    struct ownership_context context;
    int rc = ownership_context_make(root, &status->facts, &context, err);
    context.packages = parked_store_is_home(&status->facts) ? NULL : &packages;
    if (!rc && parked_store_is_home(&status->facts)) {
        rc = parked_store_manifest(manifest, &parked, err);
        manifest = &parked;
    }
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan = OWNERSHIP_SCAN_INIT(root, &context);
    for (size_t i = 0; !rc && i < manifest->count; i++) {
        const struct facts_placed *placed =
            i < status->facts.placed_count ? &status->facts.placed[i] : NULL;
        enum ownership ownership = OWNERSHIP_GONE;
        rc = ownership_scan_next(&scan, &manifest->entries[i], placed, &ownership, err);
        status->paths++;
        status->ours += ownership == OWNERSHIP_OURS;
        status->gone += ownership == OWNERSHIP_GONE;
        status->foreign += ownership == OWNERSHIP_FOREIGN;
    }
    return rc;
}

/* A folder that others can write to says nothing, not even that there is no bake. */
static int read_marker(const struct root *root, struct marker *marker, struct error *err) {
    AUTO_CLOSE int folder = -1;
    int rc = state_folder_open(root, &folder, err);
    return rc ? rc : marker_read(root, marker, err);
}

int status_read(const struct root *root, struct status *status, struct error *err) {
    *status = (struct status){0};
    AUTO_MANIFEST struct manifest manifest = {0};
    int rc = read_marker(root, &status->marker, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    status->marker_present = true;
    rc = state_word_read(root, &status->word, err);
    if (!rc)
        rc = bake_records_manifest(root, &status->marker, &manifest, err);
    if (!rc)
        rc = bake_records_facts(root, &status->marker, &status->facts, err);
    if (!rc)
        rc = count_paths(root, &manifest, status, err);
    if (rc)
        return rc;
    status->dkms_registered = registration_present(root, &status->facts);
    status->modprobe = resolution_of(root, &status->facts, &status->other) == RESOLUTION_OWN;
    return 0;
}

void status_release(struct status *status) {
    marker_release(&status->marker);
    facts_release(&status->facts);
    free(status->other);
}
