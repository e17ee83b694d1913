/*
 * Unpacking hostile archives. libarchive only parses; what is written, and where, is decided here
 * (extraction.h).
 */
#ifndef TOOLCHAIN_ARCHIVE_H
#define TOOLCHAIN_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What an archive may hold in all. */
struct archive_limits {
    uint64_t bytes; /* of the decompressed stream, and of the files' claimed sizes together */
    size_t entries;
    size_t name_bytes; /* of all paths and link targets: they are kept in memory */
};

#define ARCHIVE_LIMITS_DEFAULT                                                                     \
    { .bytes = 4ULL << 30, .entries = 200000, .name_bytes = 32 << 20 }

/* The permission bits that unpacking keeps. */
#define ARCHIVE_MODE_KEPT 0775

/* The file's first bytes say it is a .deb: an ar archive whose first member is debian-binary. */
bool archive_is_deb(int fd);

/*
 * Unpacks a .deb's data member, or a (gzip, bzip2, xz, lzma, zstd) tar archive, into the empty
 * directory `into`. Modes and file times are the archive's; setuid, setgid, the sticky bit and
 * write permission for others are dropped; files belong to who unpacks.
 *
 * ERROR_REFUSED, naming the entry: an absolute path, "..", a way through a link, a link whose
 * target is absolute or leads out of the tree, a device, socket or fifo, a path that is there
 * twice, more than the limits. ERROR_DAMAGED: the archive does not parse or ends too early.
 * ERROR_USAGE: it is neither a .deb nor a tar archive. `into` then holds what came before.
 */
int archive_unpack(int fd, const char *name, int into, struct error *err) MUST_CHECK;

/* The same with other limits. */
int archive_unpack_within(int fd, const char *name, const struct archive_limits *limits, int into,
                          struct error *err) MUST_CHECK;

/* The same, of the entries whose path `wanted` is true for; the others are not even looked at. */
int archive_unpack_some(int fd, const char *name, bool (*wanted)(const char *path), int into,
                        struct error *err) MUST_CHECK;

#endif
