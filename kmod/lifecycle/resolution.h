/* Whether modprobe would still load something of a bake that is being torn down. */
#ifndef KMOD_RESOLUTION_H
#define KMOD_RESOLUTION_H

#include <stdbool.h>

#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/removal.h"

/*
 * Whether the index of one of the bake's kernels, or of `others`, resolves the name of one of its
 * modules to a file that is the bake's, or to one that is gone: an index that depmod has not seen
 * since. A file that is somebody else's by now does not count, at the bake's own path (a customer's
 * driver of the same name) or at another: it is to be loaded.
 */
bool resolution_of_ours(const struct removal *removal, const struct facts *facts,
                        const struct strlist *others);

#endif
