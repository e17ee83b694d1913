#include "kmod/system/packed_zstd.h"

#define MAGIC_SIZE 4U
#define BLOCK_HEADER 3
#define BLOCK_REPEATED 1 /* one byte, many times */

/* The header's second part, by its bits in the descriptor. */
static size_t header_size(uint8_t descriptor) {
    static const size_t content_sizes[] = {0, 2, 4, 8}, dictionary_sizes[] = {0, 1, 2, 4};
    bool single_segment = descriptor & 0x20;
    size_t content_size = content_sizes[descriptor >> 6];
    if (single_segment && content_size == 0)
        content_size = 1;
    return MAGIC_SIZE + 1 + (single_segment ? 0 : 1U) + dictionary_sizes[descriptor & 3] +
           content_size;
}

/* Bits, lowest first: last block (1), type (2), size (21). */
static int next_block(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, BLOCK_HEADER, &data, err);
    if (rc)
        return rc;
    uint32_t header = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
    bool last = header & 1, repeated = (header >> 1 & 3) == BLOCK_REPEATED;
    stream->left = BLOCK_HEADER + (repeated ? 1 : header >> 3) + (last ? stream->zstd.checksum : 0);
    if (last)
        stream->step = NULL;
    return 0;
}

int packed_zstd_step(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, MAGIC_SIZE + 1, &data, err);
    if (rc)
        return rc;
    stream->left = header_size(data[MAGIC_SIZE]);
    stream->zstd.checksum = data[MAGIC_SIZE] & 4 ? 4 : 0;
    stream->step = next_block;
    return 0;
}
