#include "kmod/module/codec_zstd.h"

#include <zstd.h>

#define ZSTD_MODULE_LEVEL 3    /* kbuild runs the zstd tool with its default */
#define ZSTD_WINDOW_LOG_MAX 27 /* 128 MiB: what `zstd --ultra -22` needs */

static void free_compressor(ZSTD_CCtx **context) {
    ZSTD_freeCCtx(*context);
}

static void free_decompressor(ZSTD_DCtx **context) {
    ZSTD_freeDCtx(*context);
}

int codec_zstd_pack(const void *data, size_t size, struct buffer *out, struct error *err) {
    AUTO(free_compressor) ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(size);
    if (!context || buffer_reserve(out, bound))
        return error_oom(err, "compressing with zstd");
    /* libkmod from 34 on refuses a frame without its content size; the tool adds both, too. */
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_MODULE_LEVEL);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t packed = ZSTD_compress2(context, out->data + out->size, bound, data, size);
    if (ZSTD_isError(packed))
        return error_set(err, ERROR_INTERNAL, EIO, "zstd compression failed: %s",
                         ZSTD_getErrorName(packed));
    out->size += packed;
    out->data[out->size] = 0;
    return 0;
}

int codec_zstd_unpack(const void *data, size_t size, struct codec_sink *sink, struct error *err) {
    AUTO(free_decompressor) ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        return error_oom(err, "unpacking zstd");
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    ZSTD_inBuffer in = {.src = data, .size = size};
    size_t missing = 1; /* 0: the frame is complete and all of it came out */
    while (missing > 0) {
        uint8_t chunk[CODEC_SINK_CHUNK];
        ZSTD_outBuffer piece = {.dst = chunk, .size = sizeof chunk};
        missing = ZSTD_decompressStream(context, &piece, &in);
        if (ZSTD_isError(missing))
            return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: its zstd stream is damaged: %s",
                             sink->name, ZSTD_getErrorName(missing));
        if (missing > 0 && in.pos == in.size && piece.pos < piece.size)
            return codec_sink_damaged(sink, "zstd", "ends early", err);
        int rc = codec_sink_write(sink, chunk, piece.pos, err);
        if (rc)
            return rc;
    }
    if (in.pos < in.size)
        return codec_sink_damaged(sink, "zstd", "is followed by other bytes", err);
    return 0;
}

/*
 *     0 magic | 4 descriptor: bits 6–7 size of the content size, 5 one segment, 2 checksum, 0–1
 * size of the dictionary's id | 5 window: exponent, mantissa (not with one segment) …
 */
void codec_zstd_describe(const void *data, size_t size, struct compression_parameters *parameters) {
    const uint8_t *bytes = data;
    if (size < 6)
        return;
    unsigned long long content = ZSTD_getFrameContentSize(data, size);
    parameters->sized = content != ZSTD_CONTENTSIZE_UNKNOWN && content != ZSTD_CONTENTSIZE_ERROR;
    parameters->check = bytes[4] & 4 ? "xxh64" : "none";
    uint64_t base = 1ULL << (10 + (bytes[5] >> 3));
    parameters->window = bytes[4] & 32 ? content : base + base / 8 * (bytes[5] & 7);
}
