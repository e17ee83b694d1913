/* Bytes that come from somewhere, looked at before they are taken, with their position. */
#ifndef KMOD_BYTE_STREAM_H
#define KMOD_BYTE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define BYTE_STREAM_BLOCK (64 << 10)

/* Gives up to `size` bytes; *got is 0 at the end only. */
typedef int (*byte_source)(void *context, void *data, size_t size, size_t *got, struct error *err);

struct byte_stream {
    byte_source source;
    void *context;
    uint64_t position; /* of the next byte to take */
    size_t begin, end; /* what is in `block` and not taken yet */
    uint8_t block[BYTE_STREAM_BLOCK];
};

void byte_stream_begin(struct byte_stream *stream, byte_source source, void *context,
                       uint64_t position);

/*
 * Points `data` at the next bytes: at least `want` (at most BYTE_STREAM_BLOCK), fewer at the end.
 * They are valid until the next call.
 */
int byte_stream_peek(struct byte_stream *stream, size_t want, const uint8_t **data, size_t *size,
                     struct error *err) MUST_CHECK;

/* Takes `size` bytes of those that peek showed. */
void byte_stream_take(struct byte_stream *stream, size_t size);

#endif
