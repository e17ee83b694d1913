/*
 * Modules that an installation by dkms displaced, and that its removal puts back:
 *
 *     /var/lib/dkms/N/original_module/K/M/foo.ko           the module that was there before
 *     /var/lib/dkms/N/original_module/K/M/foo.ko.origin    its path, since dkms 3.2
 *     /var/lib/dkms/N/original_module/K/M/collisions/…     more of the same name
 *
 * dkms 3.0 on Debian and Ubuntu displaces nothing: there is no such folder. Elsewhere it puts the
 * module back to where dkms.conf, a program, says (DEST_MODULE_LOCATION, by its own rule the place
 * of the kernel's own module). That place is told here, in this order, by: the .origin file; the
 * kernel's modules.order, which lists the kernel's own modules; the place of the DKMS module that
 * took its name. Where none tells, the module stays stored, and so does a 3.0 collision, which dkms
 * keeps "for reference".
 */
#ifndef KMOD_ORIGINAL_MODULE_H
#define KMOD_ORIGINAL_MODULE_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/dkms_builds.h"
#include "kmod/system/dkms_installed.h"

/*
 * Puts back what is stored for the build's kernel and removes the folders that are empty then. Call
 * it before the installed files are removed: a module that goes back to the place of one replaces
 * it in one step (and is marked as replaced). A stored module whose place somebody else's file has
 * taken stays stored and is added to `foreign`; one that is there already is dropped. A kernel that
 * is gone gets nothing back. Killed anywhere and run again it ends the same.
 */
int original_module_restore(const struct root *root, const struct dkms_build *build,
                            struct dkms_installed *installed, unsigned *foreign,
                            struct error *err) MUST_CHECK;

#endif
