/* A bundle as a folder of its own, to be carried elsewhere: with the source tree that a bake needs.
 */
#ifndef BUILDER_BUNDLE_EXPORT_H
#define BUILDER_BUNDLE_EXPORT_H

#include "builder/bundle.h"

/*
 * What is at `output`. 1: the plan's bundle, whole; 0: nothing. ERROR_REFUSED for anything else.
 */
int bundle_export_look(const struct plan *plan, const char *output, struct error *err) MUST_CHECK;

/*
 * Copies the bundle and the plan's source tree to the new folder `output`, which appears in one
 * step when all is on disk.
 */
int bundle_export(const struct plan *plan, const struct bundle *bundle, const char *output,
                  struct error *err) MUST_CHECK;

#endif
