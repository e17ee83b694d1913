/*
 * What decides over the bake of a node: what the node wants and is, against what its image carries.
 * Nothing is changed here, and what does not decide is not looked at: the cheap facts come first,
 * and the others are asked for when those let the bake stay.
 */
#ifndef KMOD_NODE_FACTS_H
#define KMOD_NODE_FACTS_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/node_marker.h"
#include "kmod/lifecycle/node_wishes.h"
#include "kmod/lifecycle/policy.h"
#include "kmod/lifecycle/state_word.h"

struct node_facts {
    struct policy_facts policy;
    struct node_marker marker;
    enum state_word word; /* of prebake's own bake */
    struct manifest manifest;
    struct facts bake;
    bool copied;      /* the root is a copy of the one that was baked: digests decided */
    struct error why; /* the sentence of the first fact that speaks against the bake */
};

/*
 * Marker, state, kind, version, kernel, arch. What is wrong with the marker is a fact and no error.
 * ERROR_USAGE as node_marker_find(), I/O errors.
 */
int node_facts_look(const struct root *root, const struct node_wishes *wishes,
                    struct node_facts *facts, struct error *err) MUST_CHECK;

/*
 * For a bake that matches so far: symbols, GPUs, and whether it is whole. With `all` the files of a
 * parked bake are looked at too; who activates it looks at them then. I/O errors.
 */
int node_facts_look_closer(const struct root *root, const struct node_wishes *wishes, bool all,
                           struct node_facts *facts, struct error *err) MUST_CHECK;

void node_facts_release(struct node_facts *facts);
#define AUTO_NODE_FACTS AUTO(node_facts_release)

#endif
