#include "kmod/lifecycle/derived.h"

static const char finding[] = "finding what DKMS derived from the bake";

/* The manifest's name for /var/lib/dkms/N/V/source; NULL when there is no such version. */
static int source_path(const struct derived *derived, char **path, struct error *err) {
    AUTO_FREE char *folder = NULL;
    *path = NULL;
    if (!derived->removal.builds.present ||
        !root_exists(derived->removal.root, derived->removal.builds.version_dir))
        return 0;
    int rc =
        root_canonical(derived->removal.root, derived->removal.builds.version_dir, &folder, err);
    if (!rc && asprintf(path, "%s/source", folder) < 0)
        rc = error_oom(err, finding);
    return rc;
}

/* Gone is as good as ours: a teardown that is run again has removed it. */
static int is_ours(const struct derived *derived, const struct removal *removal, bool *ours,
                   struct error *err) {
    AUTO_FREE char *path = NULL;
    *ours = false;
    int rc = source_path(derived, &path, err);
    const struct manifest_entry *entry = path ? manifest_find(removal->manifest, path) : NULL;
    if (rc || !entry)
        return rc;
    enum ownership ownership;
    rc = removal_ownership(removal, entry, &ownership, err);
    *ours = !rc && ownership != OWNERSHIP_FOREIGN;
    return rc;
}

static int list_own_kernels(const struct removal *removal, const struct marker *marker,
                            struct strlist *kernels) {
    const struct facts *facts = removal->facts;
    int rc = strlist_add(kernels, marker->kernel);
    for (size_t i = 0; !rc && facts && i < facts->dkms.kernels.count; i++)
        rc = strlist_add(kernels, facts->dkms.kernels.items[i]);
    return rc;
}

int derived_open(struct derived *derived, const struct removal *removal,
                 const struct marker *marker, struct error *err) {
    *derived = (struct derived){0};
    if (!marker->module || !*marker->module || !marker->driver_version || !*marker->driver_version)
        return 0;
    if (list_own_kernels(removal, marker, &derived->kernels))
        return error_oom(err, finding);
    derived->removal = (struct dkms_removal){
        .root = removal->root,
        .name = marker->module,
        .version = marker->driver_version,
        .except = &derived->kernels,
        .known = removal->facts && !removal->context.copied ? &removal->facts->compared : NULL,
    };
    struct error reason = {0};
    int rc = dkms_removal_open(&derived->removal, &reason);
    /* No name of dkms', or no folder of it any more: then nothing is derived from it. */
    if (rc && reason.kind == ERROR_REFUSED)
        return 0;
    if (rc && err)
        *err = reason;
    return rc ? rc : is_ours(derived, removal, &derived->ours, err);
}

int derived_files(struct derived *derived, struct strlist *refresh, struct error *err) {
    return derived->ours ? dkms_removal_files(&derived->removal, refresh, err) : 0;
}

int derived_tree(struct derived *derived, struct error *err) {
    return derived->ours ? dkms_removal_tree(&derived->removal, err) : 0;
}

bool derived_left(const struct derived *derived, struct error *err) {
    if (!derived->ours)
        return false;
    AUTO_DKMS_REMOVAL struct dkms_removal now = {
        .root = derived->removal.root,
        .name = derived->removal.name,
        .version = derived->removal.version,
        .except = &derived->kernels,
    };
    if (!dkms_removal_open(&now, err) && !dkms_removal_has_any(&now))
        return false;
    error_set(err, ERROR_INCOMPLETE, EBUSY, "DKMS still has %s/%s for kernels after the bake's",
              now.name, now.version);
    return true;
}

void derived_release(struct derived *derived) {
    strlist_release(&derived->kernels);
    dkms_removal_release(&derived->removal);
}
