/* What a system's modprobe.d keeps from being loaded by alias. */
#ifndef KMOD_MODPROBE_BLACKLIST_H
#define KMOD_MODPROBE_BLACKLIST_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

/*
 * Whether a *.conf file in one of the root's modprobe.d folders (/etc, /run, /usr/local/lib,
 * /usr/lib, /lib) has a line "blacklist NAME", or an "install NAME …" that replaces loading; '-'
 * and
 * '_' are one. Files larger than 1 MiB are not looked at.
 */
int modprobe_blacklist_has(const struct root *root, const char *module, bool *found,
                           struct error *err) MUST_CHECK;

#endif
