#include "kmod/module/codec_xz.h"

#include <lzma.h>

#define XZ_PRESET 6                 /* the xz tool's own default */
#define XZ_DICTIONARY (1U << 20)    /* kbuild: --lzma2=dict=1MiB */
#define XZ_MEMORY_MAX (128UL << 20) /* decoding `xz -9` needs 65 MiB */

static int encode(lzma_stream *stream, struct buffer *out, size_t bound, struct error *err) {
    stream->next_out = out->data + out->size;
    stream->avail_out = bound;
    lzma_ret status = lzma_code(stream, LZMA_FINISH);
    if (status == LZMA_MEM_ERROR)
        return error_oom(err, "compressing with xz");
    if (status != LZMA_STREAM_END)
        return error_set(err, ERROR_INTERNAL, EIO, "xz compression failed (liblzma status %d)",
                         (int)status);
    out->size += stream->total_out;
    out->data[out->size] = 0;
    return 0;
}

int codec_xz_pack(const void *data, size_t size, struct buffer *out, struct error *err) {
    lzma_options_lzma options;
    lzma_lzma_preset(&options, XZ_PRESET);
    options.dict_size = XZ_DICTIONARY;
    const lzma_filter filters[] = {
        {.id = LZMA_FILTER_LZMA2, .options = &options},
        {.id = LZMA_VLI_UNKNOWN},
    };
    AUTO(lzma_end) lzma_stream stream = LZMA_STREAM_INIT;
    size_t bound = lzma_stream_buffer_bound(size);
    if (lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC32) != LZMA_OK || bound == 0 ||
        buffer_reserve(out, bound))
        return error_oom(err, "compressing with xz");
    stream.next_in = data;
    stream.avail_in = size;
    return encode(&stream, out, bound, err);
}

static int decode_failure(lzma_ret status, const struct codec_sink *sink, struct error *err) {
    switch (status) {
    case LZMA_MEM_ERROR:
        return error_oom(err, "unpacking xz");
    case LZMA_MEMLIMIT_ERROR:
        return codec_sink_damaged(sink, "xz", "asks for more than 128 MiB of memory", err);
    case LZMA_BUF_ERROR: /* no input left and the end not reached */
        return codec_sink_damaged(sink, "xz", "ends early", err);
    case LZMA_OPTIONS_ERROR:
    case LZMA_UNSUPPORTED_CHECK:
        return codec_sink_damaged(sink, "xz", "uses options that liblzma does not know", err);
    default:
        return codec_sink_damaged(sink, "xz", "is damaged", err);
    }
}

int codec_xz_unpack(const void *data, size_t size, struct codec_sink *sink, struct error *err) {
    AUTO(lzma_end) lzma_stream stream = LZMA_STREAM_INIT;
    /* Without LZMA_CONCATENATED the decoder stops behind the first stream. */
    if (lzma_stream_decoder(&stream, XZ_MEMORY_MAX, LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
        return error_oom(err, "unpacking xz");
    stream.next_in = data;
    stream.avail_in = size;
    lzma_ret status = LZMA_OK;
    while (status != LZMA_STREAM_END) {
        uint8_t chunk[CODEC_SINK_CHUNK];
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        status = lzma_code(&stream, LZMA_FINISH);
        if (status != LZMA_OK && status != LZMA_STREAM_END)
            return decode_failure(status, sink, err);
        int rc = codec_sink_write(sink, chunk, sizeof chunk - stream.avail_out, err);
        if (rc)
            return rc;
    }
    if (stream.avail_in > 0)
        return codec_sink_damaged(sink, "xz", "is followed by other bytes", err);
    return 0;
}
