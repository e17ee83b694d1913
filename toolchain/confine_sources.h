/* What is shown to a confined process, opened before its new tree hides the old one. */
#ifndef TOOLCHAIN_CONFINE_SOURCES_H
#define TOOLCHAIN_CONFINE_SOURCES_H

#include "toolchain/confine.h"

struct confine_sources {
    int host;    /* this machine's "/" */
    int modules; /* the target's /lib/modules, −1 when it has none; likewise the next three */
    int src;     /* /usr/src */
    int lib;     /* /usr/lib */
    int dkms;    /* /etc/dkms */
    int build;   /* a detached copy of the build directory's mount, −1 when none is wanted */
    int source;  /* the source's directory, likewise */
};

/*
 * Opens them, in the mount namespace that they are to be shown in. All are close-on-exec and nobody
 * closes them: the caller is about to start a program. 0 or −errno.
 */
int confine_sources_open(const struct confine_spec *confine,
                         struct confine_sources *sources) MUST_CHECK;

#endif
