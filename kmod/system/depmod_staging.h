/*
 * A tree for depmod -b in which it finds a kernel's modules without writing in the kernel's own
 * folder, and without the modules it shall not see: its kernel folder holds links to what the real
 * one holds, index files aside. depmod follows them and writes its files beside them.
 *
 *     <staging>/lib/modules/<kernel>/kernel -> <root>/lib/modules/<kernel>/kernel   …and so on
 *     <staging>/lib/modules/<kernel>/updates/dkms/                     a folder of its own, without
 *         other.ko -> <root>/lib/modules/<kernel>/updates/dkms/other.ko    the modules to leave out
 *     <staging>/usr/lib -> ../lib            for a depmod whose module folder is below /usr
 *     <staging>/depmod.d/                    empty: stands for the configuration of a root that has
 *                                            none, as -b alone would read this machine's
 */
#ifndef KMOD_DEPMOD_STAGING_H
#define KMOD_DEPMOD_STAGING_H

#include "base/error.h"
#include "base/root.h"

/*
 * Makes the tree anew as `staging`, a path inside the root (0700), for `kernel`, a plain path
 * component, as if the module files `without` (canonical paths inside the root; NULL for none) were
 * not there. ERROR_REFUSED: one of them is not in the kernel's own folder, so it can't be left out.
 */
int depmod_staging_make(const struct root *root, const char *kernel, const char *staging,
                        const struct strlist *without, struct error *err) MUST_CHECK;

#endif
