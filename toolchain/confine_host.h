/* What a confined process sees of this machine: programs, libraries and /etc. */
#ifndef TOOLCHAIN_CONFINE_HOST_H
#define TOOLCHAIN_CONFINE_HOST_H

#include "base/cleanup.h"

#define CONFINE_HOST_KBUILD                                                                        \
    "linux-kbuild-" /* how the folders of kbuild's tools in /usr/lib begin */

/*
 * Shows bin, sbin, lib*, opt, etc and usr of the directory `host` in the empty directory
 * `new_root`, without what comes from the target: lib/modules, usr/src, usr/lib/linux-kbuild-*,
 * etc/dkms. The folders around these are new ones, so that nothing need exist on this machine to be
 * shown over. 0 or −errno.
 */
int confine_host_show(int host, int new_root) MUST_CHECK;

#endif
