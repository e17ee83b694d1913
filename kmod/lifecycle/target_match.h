/* Whether a bake is for the system that it is on. */
#ifndef KMOD_TARGET_MATCH_H
#define KMOD_TARGET_MATCH_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/* Whether the root has the kernel's own modules: not only a folder that others' files keep. */
bool target_match_has_kernel(const struct root *root, const char *kernel);

/* ERROR_MISMATCH: the root no longer has the kernel that the bake is for. */
int target_match_installed(const struct root *root, const struct facts *facts,
                           struct error *err) MUST_CHECK;

/* ERROR_MISMATCH naming what differs and both values: the running kernel's release, or the machine.
 * What another root than the running system's will run is not known: 0. */
int target_match_running(const struct root *root, const struct facts *facts,
                         struct error *err) MUST_CHECK;

/* ERROR_MISMATCH when the root has headers of the bake's kernel and their Module.symvers is not the
 * one that the bake was made with. */
int target_match_symbols(const struct root *root, const struct facts *facts,
                         struct error *err) MUST_CHECK;

#endif
