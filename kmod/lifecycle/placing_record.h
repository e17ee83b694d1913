/* What was placed, as manifest entries. */
#ifndef KMOD_PLACING_RECORD_H
#define KMOD_PLACING_RECORD_H

#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/placing.h"

/* Records all that was placed, made directories included, as manifest entries. */
int placing_record(const struct placing *placing, const struct root *root,
                   struct manifest *manifest, struct error *err) MUST_CHECK;

#endif
