/* The key that a bake signs with, found before the minutes that a compile takes. */
#ifndef BUILDER_PLAN_KEY_H
#define BUILDER_PLAN_KEY_H

#include "builder/plan.h"

/*
 * Loads the plan's key, if the options name one. ERROR_SIGNING: as signing_key_load(); the kernel
 * takes signed modules only and there is no key, or it has no signatures and there is one.
 */
int plan_key_load(struct plan *plan, struct error *err) MUST_CHECK;

#endif
