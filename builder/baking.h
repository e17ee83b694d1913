/*
 * A bake's turn at the root: looking at what is there, clearing away what was left half done,
 * placing. All of it under the lock, so that of several bakes at once one does it and the others
 * find it done.
 */
#ifndef BUILDER_BAKING_H
#define BUILDER_BAKING_H

#include "builder/node_program.h"
#include "builder/packing.h"

/*
 * What the root carries. 1: this very bake, whole, and now with this very `program`; 0: nothing, or
 * what --replace is going to replace. ERROR_REFUSED for another bake, ERROR_LOCKED when somebody
 * changes the root and does not come to an end. Errors as node_program_install().
 */
int baking_look(const struct plan *plan, struct node_program *program,
                struct error *err) MUST_CHECK;

/*
 * Places the bake and checks it in its place. 1 when this very bake was placed by somebody else
 * meanwhile. On failure the root is as before, but for what --replace removed and what a warning
 * names. Errors as baking_look(), and those of the parts.
 */
int baking_place(struct plan *plan, struct node_program *program, const struct bundle *bundle,
                 const struct packed_set *modules, struct error *err) MUST_CHECK;

/*
 * Gives a bake that is there the layout that was asked for, and checks it there; one that was
 * killed on the way to it comes to its end. Errors as park_run() and activate_run().
 */
int baking_settle(const struct plan *plan, struct error *err) MUST_CHECK;

#endif
