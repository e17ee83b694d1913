/* Where a distribution keeps added modules. */
#ifndef KMOD_PLACEMENT_H
#define KMOD_PLACEMENT_H

#include "base/error.h"
#include "base/root.h"

/*
 * The folder below /lib/modules/KERNEL for a module whose dkms.conf says `dest_location`
 * ("/extra"): "updates/dkms" on Debian and Ubuntu, "extra" on Fedora and RHEL, "updates" on SUSE,
 * else what dkms.conf says without its leading slash. By ID and ID_LIKE of the root's
 * os-release(5). The caller frees.
 */
int placement_folder(const struct root *root, const char *dest_location, char **folder,
                     struct error *err) MUST_CHECK;

#endif
