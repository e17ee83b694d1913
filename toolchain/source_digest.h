/* One digest for a source tree, however it came: directory, .deb or tarball. */
#ifndef TOOLCHAIN_SOURCE_DIGEST_H
#define TOOLCHAIN_SOURCE_DIGEST_H

#include "base/digest.h"
#include "base/error.h"

/*
 * SHA-256 over every path below the directory `fd` in sorted order:
 *
 *   'f' mode path NUL sha256-of-content NUL      a file
 *   'd' mode path NUL NUL                        a directory
 *   'l' path NUL target NUL                      a symbolic link
 *
 * `mode` is four octal digits of the permissions that unpacking an archive keeps
 * (archive_unpack()); times, owners and hard links do not count. ERROR_REFUSED for anything else,
 * for a link that leads out of the tree, and for a file system mounted in it.
 */
int source_digest(int fd, const char *name, char hex[static DIGEST_HEX_SIZE],
                  struct error *err) MUST_CHECK;

#endif
