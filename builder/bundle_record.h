/* bundle.json: what a bundle was made from, and the digests that tell whether it is whole. */
#ifndef BUILDER_BUNDLE_RECORD_H
#define BUILDER_BUNDLE_RECORD_H

#include "builder/plan.h"

/* Writes <path>/bundle.json for the modules in <path>/modules. */
int bundle_record_write(const struct plan *plan, const char *path, struct error *err) MUST_CHECK;

/* ERROR_DAMAGED unless the bundle at `path` is the plan's and every file has its recorded digest.
 */
int bundle_record_check(const struct plan *plan, const char *path, struct error *err) MUST_CHECK;

/*
 * For a bundle that no plan is known of: ERROR_DAMAGED unless every module of its record is there
 * with its digest. A directory without bundle.json is no bundle, and no error.
 */
int bundle_record_check_modules(const char *path, struct error *err) MUST_CHECK;

#endif
