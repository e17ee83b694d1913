/* Whether a node's image carries a driver of the kind that the node wants: a line, or JSON. */
#ifndef KMOD_MANAGED_GPU_H
#define KMOD_MANAGED_GPU_H

#include <jansson.h>

#include "kmod/lifecycle/node_marker.h"
#include "kmod/lifecycle/state_word.h"

/*
 * Prints `TAG event=managed_gpu driver_type=… marker_present=… driver_kind_match=… marker_kind=…
 * node_kind=… state=…`. The kinds match when both are known and equal. The state is that of
 * prebake's bake, "legacy" for another tool's. `tag` may be NULL. −ENOMEM.
 */
int managed_gpu_line(const char *tag, const char *driver_type, const struct node_marker *marker,
                     enum state_word word, struct error *err) MUST_CHECK;

/* The same facts; the caller's to release. NULL when out of memory. */
json_t *managed_gpu_json(const char *driver_type, const struct node_marker *marker,
                         enum state_word word);

#endif
