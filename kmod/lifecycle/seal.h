/*
 * The last step of an image's build: whatever was done to the image since the bake, its teardown
 * must find everything as recorded, and switch instead of compute.
 *
 *     lock → marker, state word → the bake is whole (layout.h) → the caller's own checks
 *       → no initramfs has a baked module → indexes → loader cache → facts
 *       → indexes may be switched → all is as the layout has it (audit.h)
 *
 * Nothing is changed before the first checks have passed. Killed anywhere, the root's teardown is
 * right, if slower, and the next run ends the same.
 */
#ifndef KMOD_SEAL_H
#define KMOD_SEAL_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

struct seal_options {
    unsigned lock_wait; /* seconds */
    /* More checks, of what this layer does not know; may be NULL. Its error becomes the run's. */
    int (*check)(const struct root *root, const struct facts *facts, struct error *err);
};

struct seal_result {
    unsigned kernels;   /* with index variants, now */
    unsigned refreshed; /* of them, whose variants were made anew */
    unsigned forgotten; /* that are gone */
    unsigned initramfs; /* images that were read */
    unsigned duration_ms;
};

/*
 * ERROR_REFUSED: there is no bake. ERROR_INCOMPLETE: something else was begun and not ended.
 * ERROR_DAMAGED: the image has changed so that the bake is of no use or can't be torn down; the
 * sentence says what to do. ERROR_LOCKED.
 */
int seal_run(const struct root *root, const struct seal_options *options,
             struct seal_result *result, struct error *err) MUST_CHECK;

#endif
