/* bundle.json: what a bundle was made from, and the digests that tell whether it is whole. */
#ifndef BUILDER_BUNDLE_RECORD_H
#define BUILDER_BUNDLE_RECORD_H

#include "builder/plan.h"

#define BUNDLE_SOURCE "source" /* in a bundle that was built to be carried elsewhere */

/* What a bundle says it was made from. */
struct bundle_origin {
    char *id;
    char *kernel;
    char *compiler; /* its version, as compiler.h has it */
    char *source_sha256;
};

/* Reads it of the bundle `path`. ERROR_USAGE when that is no bundle, ERROR_DAMAGED when its record
 * is not whole. */
int bundle_origin_read(const char *path, struct bundle_origin *origin,
                       struct error *err) MUST_CHECK;
void bundle_origin_release(struct bundle_origin *origin);
#define AUTO_BUNDLE_ORIGIN AUTO(bundle_origin_release)

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
