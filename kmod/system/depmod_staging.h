/*
 * A tree for depmod -b in which it finds a kernel's modules without writing in the kernel's own
 * folder, without the modules it shall not see, and with modules that are not in their places yet:
 * its kernel folder holds links to what the real one holds, index files aside. depmod follows them
 * and writes its files beside them.
 *
 *     <staging>/lib/modules/<kernel>/kernel -> <root>/lib/modules/<kernel>/kernel   …and so on
 *     <staging>/lib/modules/<kernel>/updates/dkms/                     a folder of its own, without
 *         other.ko -> <root>/lib/modules/<kernel>/updates/dkms/other.ko    the modules to leave out
 *         ours.ko -> <root>/<kept>/lib/modules/<kernel>/updates/dkms/ours.ko      and one to show
 *     <staging>/usr/lib -> ../lib            for a depmod whose module folder is below /usr
 *     <staging>/depmod.d/                    empty: stands for the configuration of a root that has
 *                                            none, as -b alone would read this machine's
 */
#ifndef KMOD_DEPMOD_STAGING_H
#define KMOD_DEPMOD_STAGING_H

#include "base/error.h"
#include "base/root.h"

/* How depmod shall see a kernel's folder: canonical paths inside the root; NULL for none. */
struct depmod_view {
    const struct strlist *without; /* as if these module files were not there */
    const struct strlist *with;    /* as if these were, which are kept below the folder `kept` */
    const char *kept;              /* "/store": what is shown as /lib/x.ko is /store/lib/x.ko */
};

/*
 * Makes the tree anew as `staging`, a path inside the root (0700), for `kernel`, a plain path
 * component, in that view (NULL: as it is). ERROR_REFUSED: one of the files is not in the kernel's
 * own folder, so it can't be left out or shown.
 */
int depmod_staging_make(const struct root *root, const char *kernel, const char *staging,
                        const struct depmod_view *view, struct error *err) MUST_CHECK;

#endif
