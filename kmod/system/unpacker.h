/* Decompressing a stream of bytes, by libarchive: gzip, bzip2, lzma, xz, lz4 (frames and the
 * kernel's legacy format), zstd; the format is told by its magic bytes. */
#ifndef KMOD_UNPACKER_H
#define KMOD_UNPACKER_H

#include "kmod/system/byte_stream.h"

struct unpacker;

/*
 * Begins to unpack what `source` gives. `name` is for sentences and stays the caller's. The caller
 * closes. ERROR_DAMAGED: none of the formats.
 */
int unpacker_open(struct unpacker **unpacker, byte_source source, void *context, const char *name,
                  struct error *err) MUST_CHECK;

/* A byte_source; the context is the unpacker. ERROR_DAMAGED: a broken stream. Memory is bounded by
 * the formats' own windows, 128 MiB for zstd, 1 GiB for xz. */
int unpacker_read(void *unpacker, void *data, size_t size, size_t *got,
                  struct error *err) MUST_CHECK;

/* How many bytes of the source the unpacked stream was; after its end. */
uint64_t unpacker_consumed(const struct unpacker *unpacker);

void unpacker_close(struct unpacker **unpacker);
#define AUTO_UNPACKER AUTO(unpacker_close)

#endif
