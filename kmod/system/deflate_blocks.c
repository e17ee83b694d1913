#include "kmod/system/deflate_blocks.h"

#include <endian.h>
#include <string.h>

#include "base/cleanup.h"

#define LITERALS 288
#define DISTANCES 32
#define END_OF_BLOCK 256
#define LENGTH_CODES 19
/* The longest header of a block, and the longest pair of codes, in bits. */
#define HEADER_BITS (3 + 14 + 3 * LENGTH_CODES + (LITERALS + DISTANCES) * (7 + 7))
#define PAIR_BITS 48

/* Bits come from the lowest of a byte on. Behind the end they are zero. */
struct bits {
    const uint8_t *data;
    uint64_t size, position; /* in bits */
};

static uint64_t look(const struct bits *bits) {
    uint64_t value = 0, at = bits->position / 8, left = bits->size / 8;
    left = at < left ? left - at : 0;
    if (left >= sizeof value) /* nearly always, and quicker */
        memcpy(&value, bits->data + at, sizeof value);
    else if (left > 0)
        memcpy(&value, bits->data + at, left);
    return le64toh(value) >> bits->position % 8;
}

static uint32_t take(struct bits *bits, unsigned count) {
    uint32_t value = (uint32_t)(look(bits) & ((1U << count) - 1));
    bits->position += count;
    return value;
}

static unsigned take_symbol(struct bits *bits, const struct deflate_codes *codes) {
    uint16_t code = codes->symbols[look(bits) & ((1U << DEFLATE_CODE_MAX) - 1)];
    bits->position += code & 15;
    return code;
}

static unsigned reversed(unsigned code, unsigned length) {
    unsigned result = 0;
    for (unsigned i = 0; i < length; i++)
        result |= (code >> i & 1) << (length - 1 - i);
    return result;
}

/* Codes of a length are consecutive numbers, and follow those of the lengths before. */
static void make_codes(struct deflate_codes *codes, const uint8_t *lengths, unsigned count) {
    unsigned code = 0;
    memset(codes, 0, sizeof *codes);
    for (unsigned length = 1; length <= DEFLATE_CODE_MAX; length++, code <<= 1)
        for (unsigned symbol = 0; symbol < count; symbol++) {
            if (lengths[symbol] != length)
                continue;
            unsigned first = reversed(code++, length);
            for (unsigned i = first; i < ARRAY_SIZE(codes->symbols); i += 1U << length)
                codes->symbols[i] = (uint16_t)(symbol << 4 | length);
        }
}

static void make_fixed_codes(struct deflate_blocks *blocks) {
    uint8_t lengths[LITERALS];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    make_codes(&blocks->lengths, lengths, LITERALS);
    memset(lengths, 5, DISTANCES);
    make_codes(&blocks->distances, lengths, DISTANCES);
}

/* Symbols above 15 repeat: the length before 3 to 6 times, zero 3 to 10 or 11 to 138 times. */
static bool take_lengths(struct bits *bits, const struct deflate_codes *codes, uint8_t *lengths,
                         unsigned count) {
    static const unsigned extra[] = {2, 3, 7}, least[] = {3, 3, 11};
    for (unsigned i = 0; i < count;) {
        unsigned code = take_symbol(bits, codes), symbol = code >> 4;
        if (code == 0 || (symbol == 16 && i == 0))
            return false;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        unsigned times = least[symbol - 16] + take(bits, extra[symbol - 16]);
        if (times > count - i)
            return false;
        memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, times);
        i += times;
    }
    return true;
}

static bool take_codes(struct deflate_blocks *blocks, struct bits *bits) {
    static const uint8_t order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t of_lengths[LENGTH_CODES] = {0}, lengths[LITERALS + DISTANCES];
    unsigned literals = 257 + take(bits, 5), distances = 1 + take(bits, 5);
    unsigned count = 4 + take(bits, 4);
    if (literals > LITERALS)
        return false;
    for (unsigned i = 0; i < count; i++)
        of_lengths[order[i]] = (uint8_t)take(bits, 3);
    make_codes(&blocks->lengths, of_lengths, LENGTH_CODES);
    if (!take_lengths(bits, &blocks->lengths, lengths, literals + distances))
        return false;
    make_codes(&blocks->lengths, lengths, literals);
    make_codes(&blocks->distances, lengths + literals, distances);
    return true;
}

/* Of no use but for its size, and that once more, inverted. */
static bool pass_stored(struct bits *bits) {
    bits->position = (bits->position + 7) & ~7ULL;
    uint32_t size = take(bits, 16), inverted = take(bits, 16);
    if ((size ^ inverted) != 0xffff || bits->position > bits->size)
        return false;
    bits->position += (uint64_t)size * 8;
    return true;
}

/* *stored: it was passed whole. */
static bool begin_block(struct deflate_blocks *blocks, struct bits *bits, bool *stored) {
    blocks->last = take(bits, 1);
    unsigned type = take(bits, 2);
    *stored = type == 0;
    if (type == 0)
        return pass_stored(bits);
    blocks->inside = true;
    if (type == 1)
        make_fixed_codes(blocks);
    return type == 1 || (type == 2 && take_codes(blocks, bits));
}

/* A literal, or a length with its distance, or the end of the block. */
static bool pass_pair(struct deflate_blocks *blocks, struct bits *bits) {
    unsigned code = take_symbol(bits, &blocks->lengths), symbol = code >> 4;
    if (symbol < END_OF_BLOCK)
        return code != 0;
    blocks->inside = symbol != END_OF_BLOCK;
    if (symbol == END_OF_BLOCK)
        return true;
    if (symbol >= 265 && symbol < 285)
        bits->position += (symbol - 261) / 4;
    unsigned distance = take_symbol(bits, &blocks->distances);
    if (distance >> 4 > 3)
        bits->position += (distance >> 5) - 1;
    return symbol <= 285 && distance != 0;
}

static bool is_short(const struct bits *bits, uint64_t need) {
    return bits->position + need > bits->size;
}

static bool pass_block(struct deflate_blocks *blocks, struct bits *bits, bool is_all) {
    while (blocks->inside && (is_all || !is_short(bits, PAIR_BITS)))
        if (!pass_pair(blocks, bits) || is_short(bits, 0))
            return false;
    return true;
}

bool deflate_blocks_pass(struct deflate_blocks *blocks, const uint8_t *data, size_t size,
                         bool is_all, uint64_t *passed, bool *at_end) {
    struct bits bits = {.data = data, .size = (uint64_t)size * 8, .position = blocks->bit};
    bool stored = false;
    while (!stored && (blocks->inside || !blocks->last)) {
        if (!blocks->inside && !is_all && is_short(&bits, HEADER_BITS))
            break;
        if (!blocks->inside && !begin_block(blocks, &bits, &stored))
            return false;
        if (!pass_block(blocks, &bits, is_all))
            return false;
        if (blocks->inside)
            break;
    }
    *at_end = blocks->last && !blocks->inside;
    *passed = *at_end ? (bits.position + 7) / 8 : bits.position / 8;
    blocks->bit = *at_end ? 0 : bits.position % 8;
    return true;
}
