/*
 * weak-updates: on SUSE and RHEL a module built for one kernel serves others through links,
 *
 *     /lib/modules/K2/weak-updates/foo.ko -> /lib/modules/K/extra/foo.ko
 *
 * made by the distribution's weak-modules, which dkms calls.
 */
#ifndef KMOD_WEAK_UPDATES_H
#define KMOD_WEAK_UPDATES_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/dkms_installed.h"

/*
 * Removes the links of all kernels that lead to one of the installed files, and the folders below
 * weak-updates that are empty then. `removed` is increased by their number.
 */
int weak_updates_remove(const struct root *root, const struct dkms_installed *installed,
                        unsigned *removed, struct error *err) MUST_CHECK;

#endif
