/* The marker that a node's image carries: prebake's own, or another tool's. */
#ifndef KMOD_NODE_MARKER_H
#define KMOD_NODE_MARKER_H

#include "kmod/lifecycle/marker.h"

struct node_marker {
    struct marker values;
    bool present;
    bool legacy; /* another tool's: there is none of prebake's own */
};

/*
 * Looks for prebake's own marker, then for one at `legacy_path` (NULL: not asked for). Without any
 * `present` is false. ERROR_USAGE: the path is none. ERROR_REFUSED as state_folder_open() and
 * marker_read(), ERROR_DAMAGED as marker_read(), and for a compat marker of a bake that was killed:
 * `present` and, where it applies, `legacy` are set then.
 */
int node_marker_find(const struct root *root, const char *legacy_path, struct node_marker *marker,
                     struct error *err) MUST_CHECK;

/* The kind of driver it stands for: "cuda", "grid", or "" which matches nothing. A legacy marker
 * without a kind is older than the other kinds: cuda. */
const char *node_marker_kind(const struct node_marker *marker);

void node_marker_release(struct node_marker *marker);
#define AUTO_NODE_MARKER AUTO(node_marker_release)

#endif
