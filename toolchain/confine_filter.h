/* The system calls that a confined process must not have: a way to the network without namespaces.
 */
#ifndef TOOLCHAIN_CONFINE_FILTER_H
#define TOOLCHAIN_CONFINE_FILTER_H

#include "base/cleanup.h"

/*
 * Installs a seccomp filter for this process and all it will start: sockets of the AF_UNIX family
 * alone, no io_uring (it makes sockets without a socket call), no system calls of another ABI of
 * the machine (they would pass under other numbers). Needs no_new_privs. 0 or −errno.
 */
int confine_filter_install(void) MUST_CHECK;

#endif
