/*
 * Activating a parked bake: everything goes to its place, then it is indexed and registered.
 *
 *     does it match? are the places free? → state activating → module files, the rest → facts
 *       → state active → every kernel's index "with" → DKMS registration → compat marker
 *       → facts
 *
 * The index is switched after the state says `active`, so that modprobe never resolves a module of
 * ours in any other state; DKMS comes last, so that what it has is whole. What can't go on before
 * the state is `active` goes back to the store, and so does all when modprobe prefers somebody
 * else's modules to ours. Killed anywhere and run again it ends the same.
 */
#ifndef KMOD_ACTIVATE_H
#define KMOD_ACTIVATE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

struct activate_options {
    unsigned lock_wait; /* seconds */
    bool any_kernel;    /* an image is being built: what runs now is not what will run it */
    bool headers_only;  /* nor need it be installed: there may be no more of it than headers */
    bool load;          /* modprobe the bake's modules afterwards; only of the running system */
};

struct activate_result {
    bool acted; /* it was not active already */
    bool loaded;
    unsigned duration_ms;
};

/*
 * Activates the root's bake. Errors as layout_change_open(). ERROR_MISMATCH: the running kernel,
 * the machine or the kernel's symbols are not those that it was built for. ERROR_DAMAGED: not all
 * in the store is what was parked. ERROR_REFUSED: something is in the way. Nothing was changed in
 * these cases, or all is parked as before. ERROR_LOCKED. ERROR_SIGNING: active, but the kernel does
 * not take its signature, or none; ERROR_INTERNAL: or modprobe failed otherwise.
 */
int activate_run(const struct root *root, const struct activate_options *options,
                 struct activate_result *result, struct error *err) MUST_CHECK;

#endif
