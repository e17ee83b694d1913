/* The modules of a legacy bake in the root's initramfs images. */
#ifndef KMOD_LEGACY_INITRAMFS_H
#define KMOD_LEGACY_INITRAMFS_H

#include "kmod/lifecycle/legacy_bake.h"

/*
 * Reads every image of the root: 0 when none has a module of the bake, else an error as
 * initramfs_check(). What is left of the bake is meant, and the driver's modules in the places of
 * its modules where nothing is any more: an image that has those was made before a teardown. So it
 * says the same after a teardown that was run again.
 */
int legacy_initramfs_check(const struct root *root, const struct legacy_bake *bake,
                           struct error *err) MUST_CHECK;

#endif
