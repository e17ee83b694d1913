/*
 * Unpacking by the decompressors that this machine has for its own initramfs: gzip, bzip2, xz (lzma
 * too), lz4, zstd, lzop. They stream; xz and zstd are told the bounds that unpacker_library has.
 *
 * A program reads to the end of its input: where something other than a stream of the same format
 * follows, it says so, and that is ERROR_DAMAGED: nobody has seen what follows.
 */
#ifndef KMOD_UNPACKER_PROGRAMS_H
#define KMOD_UNPACKER_PROGRAMS_H

#include "kmod/system/unpacker.h"

extern const struct unpacking unpacker_programs;

#endif
