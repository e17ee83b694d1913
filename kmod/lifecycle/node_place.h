/* Where prebake-node is in a system that carries a bake, and whose file it is. */
#ifndef KMOD_NODE_PLACE_H
#define KMOD_NODE_PLACE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

#define NODE_PLACE_FOLDER "/usr/sbin"
#define NODE_PLACE_NAME "prebake-node"
#define NODE_PLACE_PATH NODE_PLACE_FOLDER "/" NODE_PLACE_NAME
#define NODE_PLACE_SIZE_MAX (64UL << 20)

/*
 * Whether a package owns the path. Where packages can't be read (rpm) none does: prebake is not
 * packaged for such systems.
 */
int node_place_is_packaged(const struct root *root, bool *packaged, struct error *err) MUST_CHECK;

/*
 * Removes the program when a bake put it there: a regular file of root's that is a prebake-node (of
 * any version) and that no package owns. Anything else stays, which is said; a missing one is no
 * error.
 */
int node_place_clear(const struct root *root, struct error *err) MUST_CHECK;

#endif
