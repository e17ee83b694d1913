/* What sealing an image looks at beyond the bake itself: the program that will tear it down, and
 * the kernel headers that it was made for. */
#ifndef BUILDER_SEAL_CHECKS_H
#define BUILDER_SEAL_CHECKS_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/*
 * prebake-node is in the root and can start there: ERROR_DAMAGED, ERROR_DEPENDENCY. Where the
 * image still has the kernel's headers, their Module.symvers is the one of the bake and every
 * module would load: ERROR_DAMAGED. An image without them is checked no further.
 */
int seal_checks_run(const struct root *root, const struct facts *facts,
                    struct error *err) MUST_CHECK;

#endif
