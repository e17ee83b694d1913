/*
 * What a confined process sees as "/":
 *
 *     bin sbin lib* opt etc usr      this machine's, read-only
 *     /lib/modules, /usr/src,        the target root's, read-only (they are the same
 *     /usr/lib/linux-kbuild-*,       when the root is "/")
 *     /etc/dkms
 *     build_mount                    build_dir, writable
 *     source_mount                   source_dir, read-only
 *     /tmp, /var/tmp                 private and empty, writable
 *     /dev                           null, zero, full, random, urandom
 *     /proc                          of the new PID namespace
 *
 * It is a tmpfs in a private mount namespace: nothing of it is seen outside, no mount point is
 * needed on this machine or in the root, and the kernel takes it away with the last process.
 */
#ifndef TOOLCHAIN_CONFINE_MOUNTS_H
#define TOOLCHAIN_CONFINE_MOUNTS_H

#include "toolchain/confine.h"

/*
 * Gives the calling process (between fork and exec) fresh namespaces and the tree above, all but
 * /proc. Its next child is the first process of the new PID namespace. 0 or −errno; `step` then
 * says what failed.
 */
int confine_mounts_enter(const struct confine_spec *confine, const char **step) MUST_CHECK;

/* Mounts /proc; by a process of the new PID namespace. */
int confine_mounts_proc(const char **step) MUST_CHECK;

#endif
