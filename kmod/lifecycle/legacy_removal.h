/* Removing what legacy_bake.h proved to be ours, in the order of a legacy teardown. */
#ifndef KMOD_LEGACY_REMOVAL_H
#define KMOD_LEGACY_REMOVAL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/legacy_bake.h"

/*
 * Removes the modules that DKMS installed of the version and those proven by themselves, the
 * folders that are empty then, and runs depmod for every kernel whose index names one that is gone.
 */
int legacy_removal_modules(const struct root *root, const char *version,
                           const struct legacy_bake *bake, struct error *err) MUST_CHECK;

/* Removes the version from the DKMS tree; after legacy_removal_modules() succeeded. */
int legacy_removal_registration(const struct root *root, const char *version,
                                const struct legacy_bake *bake, struct error *err) MUST_CHECK;

/*
 * Removes libraries, programs and the loader's configuration, refreshes the loader's cache, removes
 * the folders that are empty. After a failure nothing goes that could be what proves the path that
 * stayed.
 */
int legacy_removal_userspace(const struct root *root, const struct legacy_bake *bake,
                             struct error *err) MUST_CHECK;

/* Whether any kernel's index resolves a module of the driver to a file that is gone or ours. */
int legacy_removal_resolves(const struct root *root, const struct legacy_bake *bake, bool *resolves,
                            struct error *err) MUST_CHECK;

#endif
