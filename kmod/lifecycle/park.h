/*
 * Parking an active bake: everything goes to the private store (parked_store.h), where nothing of
 * it is registered, indexed, loadable, on PATH or the loader path, or privileged.
 *
 *     compat marker (who reads it looks at nothing else)
 *       → every kernel's index "without" (from here nothing autoloads; kernels whose tree changed
 * lose their module files first and get a fresh depmod) → state parking → resident modules → module
 * files → DKMS registration, what DKMS derived from it included → the rest → empty directories →
 * facts → state parked
 *
 * Killed anywhere and run again it ends the same; so does an activation that can't go on.
 */
#ifndef KMOD_PARK_H
#define KMOD_PARK_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/layout_change.h"

struct park_options {
    unsigned lock_wait; /* seconds */
};

struct park_result {
    bool acted; /* it was not parked already */
    unsigned duration_ms;
};

/*
 * Parks the root's bake. Errors as layout_change_open(); ERROR_DAMAGED: not all of an active bake
 * is what was placed, so that it could not be activated again; ERROR_BUSY: a module of it is in
 * use; nothing was changed in both cases. ERROR_LOCKED. After any other error the state says what
 * is to be run again.
 */
int park_run(const struct root *root, const struct park_options *options,
             struct park_result *result, struct error *err) MUST_CHECK;

/* The same for a change that is open, of a bake that is not parked: the way back of an
 * activation. */
int park_opened(struct layout_change *change, struct error *err) MUST_CHECK;

#endif
