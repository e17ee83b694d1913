/* What a system's modprobe.d keeps from being loaded by alias. */
#ifndef KMOD_MODPROBE_BLACKLIST_H
#define KMOD_MODPROBE_BLACKLIST_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

/*
 * Whether a file of one of the root's modprobe.d folders (those of module_config_walk(), whose
 * errors come back) has a line "blacklist NAME", or an "install NAME …" that replaces loading; '-'
 * and '_' are one.
 */
int modprobe_blacklist_has(const struct root *root, const char *module, bool *found,
                           struct error *err) MUST_CHECK;

#endif
