#include "kmod/system/packed_lzop.h"

#include <endian.h>
#include <string.h>

/*
 * Numbers are big-endian. What the kernel does not read either (lib/decompress_unlzo.c) is not
 * here:
 *
 *     magic (9) | version (2) | library's (2) | [needed (2)] | method (1) | [level (1)] | flags (4)
 *     | [filter (4)] | mode (4) | time (4) | [more of it (4)] | name size (1) | name | checksum (4)
 *     then blocks: size (4), 0 is the end | packed size (4) | checksums | content
 */
#define VERSION 9
#define VERSION_WITH_MORE 0x0940
#define FLAG_ADLER 0x0001U
#define FLAG_PACKED_ADLER 0x0002U
#define FLAG_CRC 0x0100U
#define FLAG_PACKED_CRC 0x0200U
#define FLAG_FILTER 0x0800U
#define HEADER_MAX 38 /* up to the name */

static uint32_t big_endian(const uint8_t *data) {
    uint32_t value;
    memcpy(&value, data, sizeof value);
    return be32toh(value);
}

static size_t checksums(uint32_t flags, uint32_t first, uint32_t second) {
    return (flags & first ? 4U : 0U) + (flags & second ? 4U : 0U);
}

static int next_block(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, 4, &data, err);
    uint32_t size = rc ? 0 : big_endian(data);
    if (!rc && size)
        rc = packed_stream_look(stream, 8, &data, err);
    if (rc)
        return rc;
    if (size == 0) {
        stream->left = 4;
        stream->step = NULL;
        return 0;
    }
    uint32_t packed = big_endian(data + 4);
    stream->left = 8 + stream->lzop.checksums + packed;
    if (packed < size) /* else the content is not compressed */
        stream->left += stream->lzop.packed_checksums;
    return 0;
}

int packed_lzop_step(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    int rc = packed_stream_look(stream, HEADER_MAX, &data, err);
    if (rc)
        return rc;
    bool more = (data[VERSION] << 8 | data[VERSION + 1]) >= VERSION_WITH_MORE;
    size_t at = VERSION + 4U + (more ? 2U : 0) + 1 + (more ? 1U : 0);
    uint32_t flags = big_endian(data + at);
    at += 4 + (flags & FLAG_FILTER ? 4U : 0) + 8 + (more ? 4U : 0);
    stream->left = at + 1 + data[at] + 4;
    stream->lzop.checksums = checksums(flags, FLAG_ADLER, FLAG_CRC);
    stream->lzop.packed_checksums = checksums(flags, FLAG_PACKED_ADLER, FLAG_PACKED_CRC);
    stream->step = next_block;
    return 0;
}
