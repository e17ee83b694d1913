/* The module files of the builds that DKMS derived from a bake (derived.h). */
#ifndef KMOD_DERIVED_MODULES_H
#define KMOD_DERIVED_MODULES_H

#include <stdbool.h>

#include "kmod/lifecycle/derived.h"

/* Whether the build is derived, and installed. */
bool derived_modules_has(const struct derived *derived, const struct dkms_build *build);

/* Adds the canonical paths of what is installed of them for `kernel`, or for all when it is NULL.
 */
int derived_modules_list(const struct derived *derived, const char *kernel, struct strlist *paths,
                         struct error *err) MUST_CHECK;

/* Adds what was compared to know them. */
int derived_modules_note(const struct derived *derived, struct compared_files *compared,
                         struct error *err) MUST_CHECK;

#endif
