/* The list of paths that a bake puts into a root, from the plan and the packed modules. */
#ifndef BUILDER_IMAGE_H
#define BUILDER_IMAGE_H

#include "builder/packing.h"
#include "kmod/lifecycle/bake.h"

/*
 * Fills `bake` with what is placed, in the order of placing: modules, source tree, DKMS tree with
 * its registration last; and with the facts known so far. ERROR_REFUSED when a path is in the way.
 */
int image_prepare(const struct plan *plan, const struct bundle *bundle,
                  const struct packed_set *modules, struct bake *bake,
                  struct error *err) MUST_CHECK;

#endif
