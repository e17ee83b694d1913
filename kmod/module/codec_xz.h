/* xz by liblzma: one stream of one block with a CRC32, as kbuild and the kernel want it. */
#ifndef KMOD_MODULE_CODEC_XZ_H
#define KMOD_MODULE_CODEC_XZ_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "kmod/module/codec_sink.h"
#include "kmod/module/compression.h"

/* As compression_pack() and compression_unpack(), which have checked the size. */
int codec_xz_pack(const void *data, size_t size, struct buffer *out, struct error *err) MUST_CHECK;
int codec_xz_unpack(const void *data, size_t size, struct codec_sink *sink,
                    struct error *err) MUST_CHECK;
/* As compression_describe(). */
void codec_xz_describe(const void *data, size_t size, struct compression_parameters *parameters);

#endif
