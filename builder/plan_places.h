/* The part of a plan that is about the root: where a bake is going to be, and what is there. */
#ifndef BUILDER_PLAN_PLACES_H
#define BUILDER_PLAN_PLACES_H

#include "builder/plan.h"

/* ERROR_REFUSED when a file system that a bake writes to is read-only. */
int plan_places_check_writable(const struct root *root, struct error *err) MUST_CHECK;

/* Finds where modules, registration and compat marker are going to be. ERROR_USAGE for an unusable
 * --compat-marker. */
int plan_places_find(struct plan *plan, struct error *err) MUST_CHECK;

/*
 * Looks at what the root has in the places of the source tree, the registration and the compat
 * marker, the lock being held. ERROR_REFUSED when they are somebody else's.
 */
int plan_places_look(struct plan *plan, struct error *err) MUST_CHECK;

/*
 * The same before minutes of work, and whether there is room for the userspace. A root that is
 * baked already is no obstacle here.
 */
int plan_places_look_early(struct plan *plan, struct error *err) MUST_CHECK;

#endif
