#include "kmod/system/packed_lz4.h"

#include <endian.h>
#include <string.h>

#define MAGIC_SIZE 4U
#define BLOCK_HEADER 4
#define FLAG_DICTIONARY 0x01
#define FLAG_CHECKSUM 0x04
#define FLAG_SIZE 0x08
#define FLAG_BLOCK_CHECKSUM 0x10
#define LEGACY_MAGIC 0x184c2102U
/* What 8 MiB that can't be compressed become: LZ4_COMPRESSBOUND. */
#define LEGACY_BLOCK_MAX ((8U << 20) + (8U << 20) / 255 + 16)

static uint32_t little_endian(const uint8_t *data) {
    uint32_t value;
    memcpy(&value, data, sizeof value);
    return le32toh(value);
}

/* The highest bit says that it is not compressed; a size of 0 is the end. */
static int next_block(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, BLOCK_HEADER, &data, err);
    if (rc)
        return rc;
    uint32_t size = little_endian(data) & 0x7fffffff;
    stream->left = BLOCK_HEADER + size + (size ? stream->lz4.block_checksum : stream->lz4.checksum);
    if (size == 0)
        stream->step = NULL;
    return 0;
}

/* Magic, flags, sizes of blocks, content size and dictionary as flagged, checksum. */
int packed_lz4_step(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, MAGIC_SIZE + 1, &data, err);
    if (rc)
        return rc;
    uint8_t flags = data[MAGIC_SIZE];
    stream->left =
        MAGIC_SIZE + 3 + (flags & FLAG_SIZE ? 8U : 0) + (flags & FLAG_DICTIONARY ? 4U : 0);
    stream->lz4.block_checksum = flags & FLAG_BLOCK_CHECKSUM ? 4 : 0;
    stream->lz4.checksum = flags & FLAG_CHECKSUM ? 4 : 0;
    stream->step = next_block;
    return 0;
}

static int next_legacy_block(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    size_t held;
    int rc = byte_stream_peek(&stream->input, BLOCK_HEADER, &data, &held, err);
    if (rc)
        return rc;
    uint32_t size = held < BLOCK_HEADER ? 0 : little_endian(data);
    if (size == LEGACY_MAGIC)
        stream->left = MAGIC_SIZE;
    else if (size == 0 || size > LEGACY_BLOCK_MAX)
        stream->step = NULL;
    else
        stream->left = BLOCK_HEADER + size;
    return 0;
}

int packed_lz4_step_legacy(struct packed_stream *stream, struct error *err) {
    (void)err;
    stream->left = MAGIC_SIZE;
    stream->step = next_legacy_block;
    return 0;
}
