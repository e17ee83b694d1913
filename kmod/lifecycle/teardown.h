/*
 * Erasing a bake, from its manifest alone.
 *
 *     compat marker (who reads it looks at nothing else)
 *       → disarm: every kernel's index "without" (from here nothing autoloads); kernels whose tree
 *             changed since, and those that DKMS built the registration for since (derived.h), lose
 *             their module files first and get a fresh depmod; so do those that link to the bake's
 *             modules (weak_updates.h), and then these links go
 *       → state tearing-down → resident modules → module files → DKMS registration → the rest
 *       → loader cache (what was there before, or a fresh ldconfig)
 *       → directories the bake made and that are empty → look at what is left → marker, state
 *
 * Of a parked bake, which has nothing in any place, only such links, the store and the records go.
 *
 * The index is switched before the state word leaves `active`, so that modprobe never resolves a
 * module of ours in another state. Killed anywhere and run again it ends the same.
 */
#ifndef KMOD_TEARDOWN_H
#define KMOD_TEARDOWN_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

struct teardown_options {
    unsigned lock_wait; /* seconds */
    bool force_files;   /* remove the files although modules of ours are in use */
};

enum teardown_initramfs {
    TEARDOWN_INITRAMFS_UNKNOWN, /* nobody looked */
    TEARDOWN_INITRAMFS_CLEAN,   /* no image has a module of the bake */
    TEARDOWN_INITRAMFS_STALE,   /* one has: it has to be made anew */
    TEARDOWN_INITRAMFS_UNREAD,  /* one can't be read, so that nobody can say */
};

struct teardown_result {
    bool acted;       /* there was a marker */
    bool complete;    /* nothing of ours is left */
    bool dkms_before; /* DKMS had our registration */
    bool dkms_after;
    bool module_before; /* a module of ours was resident */
    bool module_after;
    bool marker_after;   /* the marker is still there */
    bool modprobe_after; /* modprobe would still resolve one of ours */
    enum teardown_initramfs initramfs;
    unsigned foreign; /* manifest paths that are somebody else's now: they stay */
    unsigned left;    /* paths of ours that could not be removed */
    unsigned duration_ms;
};

/* What a look into the images said: 0, or an error of initramfs_check(). */
enum teardown_initramfs teardown_initramfs_of(int rc);

/* "clean", "stale", "unread"; "" when unknown. */
const char *teardown_initramfs_name(enum teardown_initramfs initramfs);

/*
 * Tears down the root's bake. No marker: result->acted is false, nothing is created or changed (but
 * for ending a teardown that was killed after its marker had gone).
 * ERROR_INCOMPLETE: something of ours is left, or in an initramfs, or one that is not as recorded
 * can't be read; the sentence names the first; the marker stays.
 * ERROR_BUSY: a module of ours is in use, nothing was changed. ERROR_REFUSED, ERROR_DAMAGED: marker
 * or manifest are not to be believed, nothing was changed. ERROR_LOCKED.
 */
int teardown_run(const struct root *root, const struct teardown_options *options,
                 struct teardown_result *result, struct error *err) MUST_CHECK;

#endif
