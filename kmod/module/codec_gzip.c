#include "kmod/module/codec_gzip.h"

#include <zlib.h>

#define GZIP_WINDOW_BITS (15 + 16) /* 32 KiB window; 16 asks zlib for the gzip wrapper */
#define GZIP_LEVEL 9
#define GZIP_MEMORY_LEVEL 8

static void end_deflate(z_stream *stream) {
    deflateEnd(stream);
}

static void end_inflate(z_stream *stream) {
    inflateEnd(stream);
}

int codec_gzip_pack(const void *data, size_t size, struct buffer *out, struct error *err) {
    AUTO(end_deflate) z_stream stream = {0};
    /* zlib's own header has neither name nor time, so the bytes depend on the input alone. */
    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return error_oom(err, "compressing with gzip");
    size_t bound = deflateBound(&stream, size);
    if (buffer_reserve(out, bound))
        return error_oom(err, "compressing with gzip");
    stream.next_in = (z_const Bytef *)data;
    stream.avail_in = (uInt)size;
    stream.next_out = out->data + out->size;
    stream.avail_out = (uInt)bound;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        return error_set(err, ERROR_INTERNAL, EIO, "gzip compression failed");
    out->size += stream.total_out;
    out->data[out->size] = 0;
    return 0;
}

int codec_gzip_unpack(const void *data, size_t size, struct codec_sink *sink, struct error *err) {
    AUTO(end_inflate) z_stream stream = {0};
    if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK)
        return error_oom(err, "unpacking gzip");
    stream.next_in = (z_const Bytef *)data;
    stream.avail_in = (uInt)size;
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        Bytef chunk[CODEC_SINK_CHUNK];
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        status = inflate(&stream, Z_NO_FLUSH);
        if (status == Z_MEM_ERROR)
            return error_oom(err, "unpacking gzip");
        if (status == Z_BUF_ERROR) /* no input left and the end not reached */
            return codec_sink_damaged(sink, "gzip", "ends early", err);
        if (status != Z_OK && status != Z_STREAM_END)
            return codec_sink_damaged(sink, "gzip", "is damaged", err);
        int rc = codec_sink_write(sink, chunk, sizeof chunk - stream.avail_out, err);
        if (rc)
            return rc;
    }
    if (stream.avail_in > 0)
        return codec_sink_damaged(sink, "gzip", "is followed by other bytes", err);
    return 0;
}

/*
 * 0 1f 8b | 2 method | 3 flags: 1 text, 2 header check, 4 extra fields, 8 name, 16 comment | 4 time
 * …
 */
void codec_gzip_describe(const void *data, size_t size, struct compression_parameters *parameters) {
    const uint8_t *bytes = data;
    if (size < 4)
        return;
    parameters->check = "crc32";
    parameters->window = 32 << 10;
    parameters->sized = true;
    parameters->extended = bytes[3] & (2 | 4 | 16);
}
