/*
 * Making a root carry a bake: places what was prepared, switches the index, writes manifest, facts,
 * state and, last of all, the marker. All or nothing: a failure takes everything back, and so does
 * the next bake after one that was killed.
 *
 *     lock (the caller's) → state activating → journal → keep indexes → place → state active
 *       → index → compat marker → manifest, facts → marker
 *
 * The index is switched after the state says `active`, so that modprobe never resolves a module of
 * ours in any other state. The compat marker is held back until then: who reads it looks at nothing
 * else.
 */
#ifndef KMOD_BAKE_H
#define KMOD_BAKE_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/placing.h"

struct bake {
    struct placing placing;
    struct strlist kernels; /* whose index changes */
    struct facts facts;     /* what is known before placing; the rest is filled in */
    /* A look at what stands in its place, before any state says that it does; may be NULL. Its
     * error becomes the bake's. */
    int (*check)(const struct root *root, const struct placing *placing, struct error *err);
};

/*
 * What the root carries: *marker is filled and 1 returned for a complete bake, 0 for none.
 * ERROR_REFUSED, ERROR_DAMAGED as marker_read().
 */
int bake_find(const struct root *root, struct marker *marker, struct error *err) MUST_CHECK;

/* Whether a bake or teardown was begun and has not come to its end: there is no marker. */
bool bake_is_unfinished(const struct root *root);

/*
 * Takes back what a bake or teardown that did not come to its end left in a root without a marker;
 * with one there is nothing to take back. The caller holds the lock.
 */
int bake_recover(const struct root *root, struct error *err) MUST_CHECK;

/*
 * Places the bake. The caller holds the lock, the root has no bake and no leftovers. On failure the
 * root is as before, but for what the error says could not be taken back.
 */
int bake_place(const struct root *root, struct bake *bake, struct error *err) MUST_CHECK;

/* Checks that every path of the root's bake still is what was placed: ERROR_DAMAGED names the
 * first that is not. */
int bake_check_whole(const struct root *root, struct error *err) MUST_CHECK;

/* The same with records that were read already: each path where the facts say that things are, in
 * its place or in the store. By inode and time, or by content in a copied image. */
int bake_check_paths(const struct root *root, const struct manifest *manifest,
                     const struct facts *facts, struct error *err) MUST_CHECK;

/*
 * Removes the state folder's files, all but the marker and the state word. The manifest goes first:
 * a marker without one, in the state tearing-down, says that nothing but records is left.
 */
int bake_remove_records(const struct root *root, struct error *err) MUST_CHECK;

void bake_release(struct bake *bake);
#define AUTO_BAKE AUTO(bake_release)

#endif
