#include "kmod/system/packed_bzip2.h"

#define END_BITS 48
#define END_MAGIC 0x177245385090ULL
#define CHECKSUM_BITS 32

/* Whether the end's magic ended in the window's last byte; *after is how many of its bits follow.
 */
static bool has_end(uint64_t window, unsigned *after) {
    for (*after = 8; (*after)-- > 0;)
        if ((window >> *after & ((1ULL << END_BITS) - 1)) == END_MAGIC)
            return true;
    return false;
}

int packed_bzip2_step(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    size_t held;
    unsigned after;
    int rc = packed_stream_look_at_held(stream, &data, &held, err);
    if (rc)
        return rc;
    stream->left = held;
    for (size_t i = 0; i < held && stream->step; i++) {
        stream->bzip2.window = stream->bzip2.window << 8 | data[i];
        if (has_end(stream->bzip2.window, &after)) {
            stream->left = i + 1 + (CHECKSUM_BITS - after + 7) / 8;
            stream->step = NULL;
        }
    }
    return 0;
}
