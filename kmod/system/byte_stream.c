#include "kmod/system/byte_stream.h"

#include <string.h>

void byte_stream_begin(struct byte_stream *stream, byte_source source, void *context,
                       uint64_t position) {
    stream->source = source;
    stream->context = context;
    stream->position = position;
    stream->begin = stream->end = 0;
}

int byte_stream_peek(struct byte_stream *stream, size_t want, const uint8_t **data, size_t *size,
                     struct error *err) {
    size_t held = stream->end - stream->begin, got = 1;
    if (held < want) {
        memmove(stream->block, stream->block + stream->begin, held);
        stream->begin = 0;
    }
    while (held < want && got > 0) {
        int rc = stream->source(stream->context, stream->block + held, BYTE_STREAM_BLOCK - held,
                                &got, err);
        if (rc)
            return rc;
        held += got;
    }
    stream->end = stream->begin + held;
    *data = stream->block + stream->begin;
    *size = held;
    return 0;
}

void byte_stream_take(struct byte_stream *stream, size_t size) {
    stream->begin += size;
    stream->position += size;
}
