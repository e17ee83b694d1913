/* What modprobe would find: names looked up in a kernel's index, by libkmod. */
#ifndef KMOD_MODULE_LOOKUP_H
#define KMOD_MODULE_LOOKUP_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

/*
 * Whether the index of `kernel` beneath the root resolves `name`: a module's name (from its file
 * name, '-' and '_' alike) or an alias. Built-in modules do not count. A kernel without an index
 * resolves nothing.
 */
int module_lookup_resolves(const struct root *root, const char *kernel, const char *name,
                           bool *resolves, struct error *err) MUST_CHECK;

/*
 * The same, and the file that the index says it is, as a path inside the root: the first of several
 * for an alias. It need not exist. The caller frees; NULL when nothing is resolved.
 */
int module_lookup_path(const struct root *root, const char *kernel, const char *name, char **path,
                       struct error *err) MUST_CHECK;

#endif
