#include "kmod/system/packed_gzip.h"

#include <string.h>

/* Magic (2), method, flags, time (4), two bytes; what the flags say; deflate; CRC and size. */
#define HEADER 10
#define FLAGS 3
#define TRAILER 8
#define FLAG_CHECKSUM 0x02
#define FLAG_EXTRA 0x04
#define FLAG_NAME 0x08
#define FLAG_COMMENT 0x10
/* More than any step of deflate needs. */
#define ENOUGH 4096

static int next_blocks(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    size_t held;
    bool at_end = false;
    int rc = byte_stream_peek(&stream->input, ENOUGH, &data, &held, err);
    if (rc)
        return rc;
    if (!deflate_blocks_pass(&stream->gzip.blocks, data, held, held < ENOUGH, &stream->left,
                             &at_end))
        return packed_stream_damaged(stream, "a gzip part of it ends early or is no such", err);
    if (at_end) {
        stream->left += TRAILER;
        stream->step = NULL;
    }
    return 0;
}

/* A text ends with a NUL. */
static int pass_text(struct packed_stream *stream, uint8_t flag, struct error *err) {
    const uint8_t *data;
    size_t held;
    int rc = packed_stream_look_at_held(stream, &data, &held, err);
    if (rc)
        return rc;
    const uint8_t *end = memchr(data, 0, held);
    stream->left = end ? (size_t)(end - data) + 1 : held;
    if (end)
        stream->gzip.flags &= (uint8_t)~flag;
    return 0;
}

static int pass_extra(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, 2, &data, err);
    if (rc)
        return rc;
    stream->left = 2U + (unsigned)(data[0] | data[1] << 8);
    stream->gzip.flags &= (uint8_t)~FLAG_EXTRA;
    return 0;
}

static int next_of_header(struct packed_stream *stream, struct error *err) {
    uint8_t flags = stream->gzip.flags;
    if (flags & FLAG_EXTRA)
        return pass_extra(stream, err);
    if (flags & FLAG_NAME)
        return pass_text(stream, FLAG_NAME, err);
    if (flags & FLAG_COMMENT)
        return pass_text(stream, FLAG_COMMENT, err);
    stream->left = flags & FLAG_CHECKSUM ? 2 : 0;
    stream->step = next_blocks;
    return 0;
}

int packed_gzip_step(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, HEADER, &data, err);
    if (rc)
        return rc;
    stream->left = HEADER;
    stream->gzip.flags = data[FLAGS];
    stream->step = next_of_header;
    return 0;
}
