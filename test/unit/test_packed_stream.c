#include "kmod/system/packed_stream.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_cpio.h"
#include "test/unit/workdir.h"

static const char *const formats[] = {"gzip", "bzip2", "xz", "lz4", "zstd", "lz4-legacy"};
static struct error err;
static struct buffer output;

struct supply {
    const struct buffer *bytes;
    size_t given;
};

static int give(void *context, void *data, size_t size, size_t *got, struct error *reason) {
    struct supply *supply = context;
    size_t left = supply->bytes->size - supply->given, step = left < 1000 ? left : 1000;
    (void)reason;
    *got = step < size ? step : size;
    memcpy(data, supply->bytes->data + supply->given, *got);
    supply->given += *got;
    return 0;
}

/* `output` is the stream that the bytes begin with. */
static int read_stream(const struct buffer *bytes) {
    AUTO_PACKED_STREAM struct packed_stream *stream = NULL;
    struct supply supply = {.bytes = bytes};
    uint8_t chunk[777];
    size_t got = 1;
    buffer_release(&output);
    err = (struct error){0};
    int rc = packed_stream_open(&stream, give, &supply, "the image", &err);
    while (!rc && got > 0) {
        rc = packed_stream_read(stream, chunk, sizeof chunk, &got, &err);
        if (!rc && buffer_append(&output, chunk, got))
            rc = -ENOMEM;
    }
    if (!rc)
        CU_ASSERT_EQUAL(packed_stream_given(stream), output.size);
    return rc;
}

/* What follows may look like anything: more of the same, zero bytes, noise. */
static void expect_end(const struct buffer *packed, const char *what) {
    AUTO_BUFFER struct buffer bytes = {0};
    CU_ASSERT_EQUAL(buffer_append(&bytes, packed->data, packed->size), 0);
    scratch_cpio_pad(&bytes, 4);
    CU_ASSERT_EQUAL(buffer_append(&bytes, "\0\0\0\0", 4), 0);
    CU_ASSERT_EQUAL(buffer_append(&bytes, packed->data, packed->size), 0);
    int rc = read_stream(&bytes);
    if (rc || output.size != packed->size)
        fprintf(stderr, "%s: %zu bytes, not %zu: %s\n", what, output.size, packed->size, err.text);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(output.size, packed->size);
}

static void make_text(struct buffer *content, unsigned lines) {
    for (unsigned i = 0; i < lines; i++)
        CU_ASSERT_EQUAL(buffer_printf(content, "line %u of the text\n", i * i), 0);
}

static void make_noise(struct buffer *content, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)workdir_random();
        CU_ASSERT_EQUAL(buffer_append(content, &byte, 1), 0);
    }
}

static void expect_ends(const struct buffer *content) {
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer packed = {0};
        scratch_cpio_pack(&packed, content, formats[i]);
        expect_end(&packed, formats[i]);
    }
}

static void test_ends(void) {
    AUTO_BUFFER struct buffer text = {0}, noise = {0}, mixed = {0};
    make_text(&text, 1);
    expect_ends(&text);
    make_text(&text, 30000);
    expect_ends(&text);
    make_noise(&noise, 15);
    expect_ends(&noise);
    make_noise(&noise, 300000);
    expect_ends(&noise);
    make_text(&mixed, 5000);
    make_noise(&mixed, 100000);
    make_text(&mixed, 5000);
    expect_ends(&mixed);
}

/* Made byte by byte, as lzop 1.04 does: a block that is packed, one that is not, the end. */
static void test_lzop(void) {
    static const char header[] = "\x89LZO\0\r\n\x1a\n\x10\x40\x20\xa0\x09\x40\x01\x05"
                                 "\x03\0\x03\x03" /* flags: all four checksums */
                                 "\0\0\x81\xa4MMMMmmmm\4name"
                                 "CCCC";
    static const char blocks[] = "\0\0\0\x0a\0\0\0\5aaaabbbbccccdddd12345"
                                 "\0\0\0\5\0\0\0\5aaaabbbb12345"
                                 "\0\0\0";
    AUTO_BUFFER struct buffer packed = {0};
    CU_ASSERT_EQUAL(buffer_append(&packed, header, sizeof header - 1), 0);
    CU_ASSERT_EQUAL(buffer_append(&packed, blocks, sizeof blocks), 0);
    expect_end(&packed, "lzop");
}

/* By zlib, which has every kind of block; with all that the header may have. */
static void pack_gzip(struct buffer *packed, const struct buffer *content, int level, int strategy,
                      bool full) {
    z_stream stream = {0};
    uint8_t extra[] = "an extra field", name[] = "name", comment[] = "a comment";
    gz_header header = {
        .extra = extra, .extra_len = sizeof extra, .name = name, .comment = comment, .hcrc = 1};
    CU_ASSERT_EQUAL(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, strategy), Z_OK);
    if (full)
        CU_ASSERT_EQUAL(deflateSetHeader(&stream, &header), Z_OK);
    size_t size = deflateBound(&stream, content->size) + 100;
    AUTO_FREE uint8_t *room = malloc(size);
    stream.next_in = content->data;
    stream.avail_in = (unsigned)content->size;
    stream.next_out = room;
    stream.avail_out = (unsigned)size;
    CU_ASSERT_EQUAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
    CU_ASSERT_EQUAL(buffer_append(packed, room, stream.total_out), 0);
    deflateEnd(&stream);
}

static void test_gzip_blocks(void) {
    static const int levels[] = {0, 1, 6, 9},
                     strategies[] = {Z_DEFAULT_STRATEGY, Z_FIXED, Z_RLE, Z_HUFFMAN_ONLY};
    AUTO_BUFFER struct buffer content = {0};
    make_text(&content, 9000);
    make_noise(&content, 150000);
    for (size_t i = 0; i < ARRAY_SIZE(levels) * ARRAY_SIZE(strategies) * 2; i++) {
        AUTO_BUFFER struct buffer packed = {0};
        pack_gzip(&packed, &content, levels[i / 2 % 4], strategies[i / 8], i % 2);
        expect_end(&packed, "gzip");
    }
}

/* Legacy lz4 has no end of its own: it may end after each block. */
static void test_truncated(void) {
    AUTO_BUFFER struct buffer content = {0};
    make_text(&content, 100);
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer packed = {0};
        scratch_cpio_pack(&packed, &content, formats[i]);
        for (size_t size = 1; size < packed.size; size++) {
            struct buffer part = {.data = packed.data, .size = size};
            int rc = read_stream(&part);
            bool may_end = !strcmp(formats[i], "lz4-legacy") && size >= 4 && size < 8;
            if (rc != (may_end ? 0 : -EBADMSG))
                fprintf(stderr, "%s, %zu of %zu bytes: %d\n", formats[i], size, packed.size, rc);
            CU_ASSERT_EQUAL(rc, may_end ? 0 : -EBADMSG);
        }
    }
}

/* It comes to an end, one way or the other. */
static void test_noise(void) {
    AUTO_BUFFER struct buffer content = {0};
    make_text(&content, 300);
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer packed = {0};
        scratch_cpio_pack(&packed, &content, formats[i]);
        make_noise(&packed, 50);
        for (unsigned j = 0; j < 1500; j++) {
            packed.data[4 + workdir_random() % (packed.size - 4)] = (uint8_t)workdir_random();
            int rc = read_stream(&packed);
            CU_ASSERT_TRUE(rc == 0 || (rc == -EBADMSG && err.kind == ERROR_DAMAGED));
            CU_ASSERT_TRUE(output.size <= packed.size);
        }
    }
}

static void test_no_format(void) {
    AUTO_BUFFER struct buffer bytes = {0};
    CU_ASSERT_EQUAL(buffer_append_string(&bytes, "none of them"), 0);
    CU_ASSERT_EQUAL(read_stream(&bytes), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the image"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"ends", test_ends},
        {"lzop", test_lzop},
        {"every kind of gzip's blocks", test_gzip_blocks},
        {"truncated", test_truncated},
        {"noise", test_noise},
        {"no format", test_no_format},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "packed stream", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    int status = run_suites(suites);
    buffer_release(&output);
    return status;
}
