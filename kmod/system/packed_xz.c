#include "kmod/system/packed_xz.h"

/*
 *     stream header (12) | block… | index | stream footer (12)
 *     block: header, whose first byte is its size | LZMA2 chunk… 00 | padding to four | check
 *     index: 00 | count | two numbers a block | padding to four | CRC (4)
 *     number: seven bits a byte, the highest bit says that another follows
 */
#define STREAM_HEADER 12
#define STREAM_FLAGS 7 /* where the type of the check is */
#define FOOTER (4 + 12)
#define NUMBER_MAX 9

static uint64_t padding_after(const struct packed_stream *stream, uint64_t size) {
    return -(stream->given + size) & 3;
}

/* The end of the index, when `size` more bytes of it are given. */
static void give_footer(struct packed_stream *stream, size_t size) {
    stream->left = size + padding_after(stream, size) + FOOTER;
    stream->step = NULL;
}

static int look_at_number(struct packed_stream *stream, size_t begin, uint64_t *number, size_t *end,
                          struct error *err) {
    const uint8_t *data;
    *number = 0;
    for (*end = begin; *end < begin + NUMBER_MAX; ++*end) {
        int rc = packed_stream_look(stream, *end + 1, &data, err);
        if (rc)
            return rc;
        *number |= (uint64_t)(data[*end] & 0x7f) << 7 * (*end - begin);
        if (data[*end] < 0x80) {
            ++*end;
            return 0;
        }
    }
    return packed_stream_damaged(stream, "a number of an xz index has no end", err);
}

static int next_number(struct packed_stream *stream, struct error *err) {
    uint64_t ignored;
    size_t size;
    int rc = look_at_number(stream, 0, &ignored, &size, err);
    if (rc)
        return rc;
    stream->left = size;
    if (--stream->xz.numbers == 0)
        give_footer(stream, size);
    return 0;
}

static int begin_index(struct packed_stream *stream, struct error *err) {
    uint64_t blocks;
    size_t size;
    int rc = look_at_number(stream, 1, &blocks, &size, err);
    if (rc)
        return rc;
    stream->left = size;
    stream->xz.numbers = 2 * blocks;
    stream->step = next_number;
    if (blocks == 0)
        give_footer(stream, size);
    return 0;
}

static int next_block(struct packed_stream *stream, struct error *err);

/*
 * Control byte: 00 is the end of the block; 01 and 02 are not compressed: size − 1 (2); from 80 on
 * size − 1 unpacked (2), packed (2), from c0 on a byte of properties.
 */
static int next_chunk(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, 1, &data, err);
    uint8_t control = rc ? 0 : data[0];
    if (!rc && control)
        rc = packed_stream_look(stream, control < 0x80 ? 3 : 5, &data, err);
    if (rc)
        return rc;
    if (control == 0) {
        stream->left = 1 + padding_after(stream, 1) + stream->xz.check;
        stream->step = next_block;
    } else if (control < 0x80)
        stream->left = 4U + (unsigned)(data[1] << 8 | data[2]);
    else
        stream->left = (control < 0xc0 ? 6U : 7U) + (unsigned)(data[3] << 8 | data[4]);
    return 0;
}

static int next_block(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, 1, &data, err);
    if (rc)
        return rc;
    if (data[0] == 0)
        return begin_index(stream, err);
    stream->left = (data[0] + 1U) * 4;
    stream->step = next_chunk;
    return 0;
}

int packed_xz_step(struct packed_stream *stream, struct error *err) {
    static const size_t checks[] = {0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64};
    const uint8_t *data;
    int rc = packed_stream_look(stream, STREAM_HEADER, &data, err);
    if (rc)
        return rc;
    stream->left = STREAM_HEADER;
    stream->xz.check = checks[data[STREAM_FLAGS] & 15];
    stream->step = next_block;
    return 0;
}
