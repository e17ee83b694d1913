/* Unpacking by libarchive: gzip, bzip2, lzma, xz, lz4 (frames and the kernel's legacy format),
 * zstd. lzop is left to its program. Memory is bounded by the formats' own windows, 128 MiB for
 * zstd, 1 GiB for xz. */
#ifndef KMOD_UNPACKER_LIBRARY_H
#define KMOD_UNPACKER_LIBRARY_H

#include "kmod/system/unpacker.h"

extern const struct unpacking unpacker_library;

#endif
