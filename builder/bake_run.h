/* From options to a baked root: what `bake` and `install` have in common. */
#ifndef BUILDER_BAKE_RUN_H
#define BUILDER_BAKE_RUN_H

#include "base/command.h"

/* Runs the verb: plans, gets the bundle, packs, places, and prints what came of it. Errors as
 * plan_make(), bundle_get(), packing_run() and baking_place(). */
int bake_run(struct command_call *call, struct error *err) MUST_CHECK;

#endif
