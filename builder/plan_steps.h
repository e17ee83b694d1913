/* A plan in words, for --dry-run. */
#ifndef BUILDER_PLAN_STEPS_H
#define BUILDER_PLAN_STEPS_H

#include "builder/plan.h"

/* The steps of a bake or an installation, a sentence each. */
int plan_steps_bake(const struct plan *plan, struct strlist *steps, struct error *err) MUST_CHECK;

/* The steps of a build that ends with a bundle as the folder `output`. */
int plan_steps_build(const struct plan *plan, const char *output, struct strlist *steps,
                     struct error *err) MUST_CHECK;

/* Prints them numbered, a line each. */
void plan_steps_print(const struct strlist *steps);

#endif
