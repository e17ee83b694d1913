/* Unpacking hostile archives with libarchive. */
#ifndef TOOLCHAIN_ARCHIVE_H
#define TOOLCHAIN_ARCHIVE_H

#include <stdbool.h>

#include "base/error.h"

/* The file's first bytes say it is a .deb / a tar archive that libarchive can read. */
bool archive_is_deb(int fd);

/*
 * Unpacks a .deb's data member, or a (compressed) tar archive, into the empty directory `into`.
 * Refused (ERROR_REFUSED, naming the entry): an absolute path, "..", a link whose target leads out
 * of the tree, devices, sockets, fifos; more than 4 GiB or 200,000 entries in all. setuid, setgid
 * and write permission for others are dropped. ERROR_DAMAGED when the archive does not parse.
 */
int archive_unpack(int fd, const char *name, int into, struct error *err) MUST_CHECK;

#endif
