/* What `prebake bake` prints: one telemetry line, or the same facts as JSON. */
#ifndef BUILDER_BAKE_REPORT_H
#define BUILDER_BAKE_REPORT_H

#include <time.h>

#include "builder/packing.h"

int bake_report_plan(const struct plan *plan, const struct strlist *steps,
                     struct error *err) MUST_CHECK;

/* `from` says where the bundle came from: "built" or "cached". */
int bake_report_done(const struct plan *plan, const struct packed_set *modules, const char *from,
                     const struct timespec *start, struct error *err) MUST_CHECK;

/* The root carries this very bake already. */
int bake_report_unchanged(const struct plan *plan, const struct timespec *start,
                          struct error *err) MUST_CHECK;

#endif
