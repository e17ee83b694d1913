/* Whether a parked bake can go to its places. */
#ifndef KMOD_FREE_PLACES_H
#define KMOD_FREE_PLACES_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/manifest.h"

/*
 * ERROR_REFUSED naming the first place in which something is (−EEXIST), or that is no longer where
 * the bake had it: reached through a link that was not there (−ELOOP), or through a folder that is
 * not root's alone. A directory of the manifest that is there is no obstacle.
 */
int free_places_check(const struct root *root, const struct manifest *manifest,
                      struct error *err) MUST_CHECK;

#endif
