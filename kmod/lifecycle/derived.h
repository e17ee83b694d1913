/*
 * What DKMS derived from a bake's registration: at the installation of another kernel's headers
 * dkms builds and installs the registered version for that kernel as well,
 *
 *     /var/lib/dkms/N/V/K2/M/…, kernel-K2-M, /lib/modules/K2/updates/dkms/…
 *
 * It is in no manifest, and goes with the teardown. As long as `source` is the bake's own link the
 * registration counts as the bake's: one that somebody else made anew under the same name and
 * version has none of these.
 *
 *     derived_open → derived_files → depmod for the kernels it names → derived_tree → derived_left
 *
 * Killed anywhere and run again it ends the same, as kernel-K2-M goes after the files and the
 * index.
 */
#ifndef KMOD_DERIVED_H
#define KMOD_DERIVED_H

#include <stdbool.h>

#include "base/error.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/removal.h"
#include "kmod/system/dkms_removal.h"

struct derived {
    bool ours;                   /* the registration still is the bake's: there may be something */
    struct strlist kernels;      /* the bake's own, which the manifest has */
    struct dkms_removal removal; /* .foreign: files in their places that are somebody else's */
};

/*
 * Finds out what there is, before anything is changed. Both `removal` and `marker` outlive it; the
 * caller releases. Errors as dkms_removal_open(), and I/O errors.
 */
int derived_open(struct derived *derived, const struct removal *removal,
                 const struct marker *marker, struct error *err) MUST_CHECK;

/* dkms_removal_files(): each kernel that `refresh` gets is not the bake's own and needs a depmod
 * before derived_tree(). */
int derived_files(struct derived *derived, struct strlist *refresh, struct error *err) MUST_CHECK;

/* Removes the builds from the DKMS tree, which leaves the version's folder to the manifest. */
int derived_tree(struct derived *derived, struct error *err) MUST_CHECK;

/* Whether something is left now; `err` gets a sentence that says so. */
bool derived_left(const struct derived *derived, struct error *err);

void derived_release(struct derived *derived);
#define AUTO_DERIVED AUTO(derived_release)

#endif
