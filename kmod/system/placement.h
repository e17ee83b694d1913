/* Where a distribution keeps added modules. */
#ifndef KMOD_PLACEMENT_H
#define KMOD_PLACEMENT_H

#include "base/error.h"
#include "base/root.h"

/*
 * The folder below /lib/modules/KERNEL for a module whose dkms.conf says `dest_location`
 * ("/extra"), as dkms decides it (override_dest_module_location in dkms 3.0.10): "updates/dkms" on
 * Debian, Ubuntu and Arch, "extra" on Fedora and RHEL, "updates" on SUSE, each with its relatives,
 * else what dkms.conf says without its leading slash. The first identifier of the root's
 * os-release(5) that is known decides. The caller frees.
 * ERROR_REFUSED: dest_location is needed and is not a plain relative folder ("../").
 */
int placement_folder(const struct root *root, const char *dest_location, char **folder,
                     struct error *err) MUST_CHECK;

#endif
