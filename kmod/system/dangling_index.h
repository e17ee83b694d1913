/* Whether a kernel's module index names module files that are gone. */
#ifndef KMOD_DANGLING_INDEX_H
#define KMOD_DANGLING_INDEX_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/module_table.h"

/*
 * Whether modules.dep of the kernel lists a file of one of these modules that is not there. A
 * kernel without modules.dep lists nothing.
 */
int dangling_index_check(const struct root *root, const char *kernel,
                         const struct module_table *modules, bool *dangling,
                         struct error *err) MUST_CHECK;

#endif
