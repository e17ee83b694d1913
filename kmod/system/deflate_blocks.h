/*
 * Passing over deflate blocks (RFC 1951) without unpacking them: the codes are read, what they
 * stand for is not made. That tells where a gzip stream ends, which the gzip program does not say.
 */
#ifndef KMOD_DEFLATE_BLOCKS_H
#define KMOD_DEFLATE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEFLATE_CODE_MAX 15 /* bits */

/* What the next bits stand for: symbol << 4 | length of its code; 0 for no code. */
struct deflate_codes {
    uint16_t symbols[1 << DEFLATE_CODE_MAX];
};

/* All zero is before the first. */
struct deflate_blocks {
    bool inside;  /* a block, behind its header */
    bool last;    /* that block */
    unsigned bit; /* of the next byte */
    struct deflate_codes lengths, distances;
};

/*
 * Passes over what `data` has of the blocks; `is_all` says that nothing follows it, else it has to
 * be 1 KiB or more. *passed is how many bytes that was, which may be more than `size` (the content
 * of a block that is not compressed); *at_end whether the last block was behind it. False: that is
 * no deflate, or it ends before the last block does.
 */
bool deflate_blocks_pass(struct deflate_blocks *blocks, const uint8_t *data, size_t size,
                         bool is_all, uint64_t *passed, bool *at_end);

#endif
