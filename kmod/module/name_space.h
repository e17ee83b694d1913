/* Symbol namespaces: EXPORT_SYMBOL_NS() on one side, MODULE_IMPORT_NS() on the other. */
#ifndef KMOD_MODULE_NAME_SPACE_H
#define KMOD_MODULE_NAME_SPACE_H

#include <stdbool.h>

#include "kmod/module/modinfo.h"

/* "module:a,b-*": exported to the modules it lists alone (from 6.16; nobody imports it). */
bool name_space_is_list(const char *name_space);

/*
 * Whether the module `module` with this .modinfo may use an export in `name_space` ("" for none).
 * The rules are verify_namespace_is_imported() and verify_module_namespace() of the kernel's
 * kernel/module/main.c.
 */
bool name_space_is_open(const char *name_space, const char *module, const struct modinfo *modinfo);

#endif
