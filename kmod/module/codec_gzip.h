/* gzip (RFC 1952) by zlib: one member, no name, no time. */
#ifndef KMOD_MODULE_CODEC_GZIP_H
#define KMOD_MODULE_CODEC_GZIP_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "kmod/module/codec_sink.h"
#include "kmod/module/compression.h"

/* As compression_pack() and compression_unpack(), which have checked the size. */
int codec_gzip_pack(const void *data, size_t size, struct buffer *out,
                    struct error *err) MUST_CHECK;
int codec_gzip_unpack(const void *data, size_t size, struct codec_sink *sink,
                      struct error *err) MUST_CHECK;
/* As compression_describe(). */
void codec_gzip_describe(const void *data, size_t size, struct compression_parameters *parameters);

#endif
