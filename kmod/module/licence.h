/* Which licence strings the kernel takes for GPL-compatible. */
#ifndef KMOD_MODULE_LICENCE_H
#define KMOD_MODULE_LICENCE_H

#include <stdbool.h>

#include "kmod/module/modinfo.h"

/* The list of license_is_gpl_compatible() in the kernel's include/linux/license.h. */
bool licence_is_gpl_compatible(const char *licence);

/*
 * Whether a module may use GPL-only exports: it names a licence and, as modpost wants, all that it
 * names are compatible. (The kernel looks at the first only.)
 */
bool licence_allows_gpl_exports(const struct modinfo *modinfo);

#endif
