#include "kmod/module/compression.h"

#include <CUnit/Basic.h>
#include <libkmod.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static const enum compression packed_formats[] = {COMPRESSION_GZIP, COMPRESSION_XZ,
                                                  COMPRESSION_ZSTD};

/* What is packed: a compiled object, empty, one byte, runs, noise. */
static struct buffer inputs[5];

static int fill_inputs(void) {
    int rc = workdir_module("input.ko", "1.0") && workdir_read("input.ko", &inputs[0]) ? 0 : 1;
    rc |= buffer_append(&inputs[1], "", 0);
    rc |= buffer_append(&inputs[2], "x", 1);
    for (unsigned i = 0; i < 300000; i++) {
        unsigned noise = workdir_random();
        rc |= buffer_append(&inputs[3], "module", 6);
        rc |= buffer_append(&inputs[4], &noise, sizeof noise);
    }
    return rc;
}

static int open_suite(void) {
    return workdir_open() || fill_inputs();
}

static int close_suite(void) {
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
        buffer_release(&inputs[i]);
    return workdir_close();
}

static bool same(const struct buffer *a, const struct buffer *b) {
    return a->size == b->size && (a->size == 0 || !memcmp(a->data, b->data, a->size));
}

static bool pack(enum compression format, const struct buffer *input, struct buffer *out) {
    struct error err = {0};
    int rc = compression_pack(format, input->data, input->size, out, &err);
    return !rc && out->data[out->size] == 0;
}

/* True when the bytes are refused as damaged and nothing much was allocated for them. */
static bool is_refused(enum compression format, const void *data, size_t size, size_t max) {
    AUTO_BUFFER struct buffer out = {0};
    struct error err = {0};
    int rc = compression_unpack(format, data, size, max, "m.ko", &out, &err);
    return rc == -EBADMSG && err.kind == ERROR_DAMAGED && strstr(err.text, "m.ko") &&
           out.capacity <= 2 * (max + (64UL << 10)) && out.size <= max;
}

static void test_names(void) {
    enum compression format = COMPRESSION_NONE;
    CU_ASSERT_EQUAL(compression_parse("zstd", &format), 0);
    CU_ASSERT_EQUAL(format, COMPRESSION_ZSTD);
    CU_ASSERT_EQUAL(compression_parse("zst", &format), -EINVAL);
    CU_ASSERT_EQUAL(compression_parse("", &format), -EINVAL);
    CU_ASSERT_STRING_EQUAL(compression_name(COMPRESSION_XZ), "xz");
    CU_ASSERT_STRING_EQUAL(compression_suffix(COMPRESSION_NONE), "");
    CU_ASSERT_STRING_EQUAL(compression_suffix(COMPRESSION_GZIP), ".gz");
    CU_ASSERT_STRING_EQUAL(compression_suffix(COMPRESSION_ZSTD), ".zst");
    CU_ASSERT_EQUAL(compression_detect("\x28\xb5\x2f", 3), COMPRESSION_NONE);
    CU_ASSERT_EQUAL(compression_detect("\177ELF", 4), COMPRESSION_NONE);
    CU_ASSERT_EQUAL(compression_detect("", 0), COMPRESSION_NONE);
}

static void test_round_trip(void) {
    for (size_t f = 0; f < ARRAY_SIZE(packed_formats); f++) {
        for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
            AUTO_BUFFER struct buffer once = {0}, twice = {0}, back = {0};
            struct error err = {0};
            CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[i], &once));
            CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[i], &twice));
            CU_ASSERT_TRUE(same(&once, &twice));
            CU_ASSERT_EQUAL(compression_detect(once.data, once.size), packed_formats[f]);
            CU_ASSERT_EQUAL(compression_unpack(packed_formats[f], once.data, once.size,
                                               inputs[i].size, "m.ko", &back, &err),
                            0);
            CU_ASSERT_TRUE(same(&back, &inputs[i]));
        }
    }
}

static void test_tools_read_ours(void) {
    static const char *const unpack[][3] = {
        {"gzip", "-dkf", "ours.gz"}, {"xz", "-dkf", "ours.xz"}, {"zstd", "-dqkf", "ours.zst"}};
    for (size_t f = 0; f < ARRAY_SIZE(packed_formats); f++) {
        for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
            AUTO_BUFFER struct buffer ours = {0}, theirs = {0};
            CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[i], &ours));
            CU_ASSERT_TRUE(workdir_write(unpack[f][2], ours.data, ours.size));
            CU_ASSERT_TRUE(workdir_run(unpack[f][0], unpack[f][1], unpack[f][2], NULL));
            CU_ASSERT_TRUE(workdir_read("ours", &theirs));
            CU_ASSERT_TRUE(same(&theirs, &inputs[i]));
        }
    }
}

static void test_we_read_theirs(void) {
    static const char *const pack_with[][4] = {
        {"gzip", "-nkf9", "theirs", "theirs.gz"},   {"gzip", "-Nkf1", "theirs", "theirs.gz"},
        {"xz", "-kf9", "theirs", "theirs.xz"},      {"xz", "-kfCnone", "theirs", "theirs.xz"},
        {"zstd", "-qkf3", "theirs", "theirs.zst"},  {"zstd", "-qkf19", "theirs", "theirs.zst"},
        {"xz", "-kfCsha256", "theirs", "theirs.xz"}};
    for (size_t w = 0; w < ARRAY_SIZE(pack_with); w++) {
        AUTO_BUFFER struct buffer theirs = {0}, back = {0};
        struct error err = {0};
        CU_ASSERT_TRUE(workdir_write("theirs", inputs[0].data, inputs[0].size));
        CU_ASSERT_TRUE(workdir_run(pack_with[w][0], pack_with[w][1], pack_with[w][2], NULL));
        CU_ASSERT_TRUE(workdir_read(pack_with[w][3], &theirs));
        CU_ASSERT_EQUAL(compression_unpack(compression_detect(theirs.data, theirs.size),
                                           theirs.data, theirs.size, 1 << 20, "m.ko", &back, &err),
                        0);
        CU_ASSERT_TRUE(same(&back, &inputs[0]));
    }
}

/* kbuild runs `xz --check=crc32 --lzma2=dict=1MiB`: the same bytes. */
static void test_xz_is_what_kbuild_writes(void) {
    AUTO_BUFFER struct buffer ours = {0}, theirs = {0};
    CU_ASSERT_TRUE(workdir_write("kbuild", inputs[0].data, inputs[0].size));
    CU_ASSERT_TRUE(workdir_run("xz", "-T1", "--check=crc32", "--lzma2=dict=1MiB", "kbuild", NULL));
    CU_ASSERT_TRUE(workdir_read("kbuild.xz", &theirs));
    CU_ASSERT_TRUE(pack(COMPRESSION_XZ, &inputs[0], &ours));
    CU_ASSERT_TRUE(same(&ours, &theirs));
}

static void test_zstd_header(void) {
    AUTO_BUFFER struct buffer packed = {0};
    CU_ASSERT_TRUE(pack(COMPRESSION_ZSTD, &inputs[3], &packed));
    CU_ASSERT_EQUAL(ZSTD_getFrameContentSize(packed.data, packed.size), inputs[3].size);
    CU_ASSERT_EQUAL(ZSTD_findFrameCompressedSize(packed.data, packed.size), packed.size);
    CU_ASSERT_TRUE(packed.data[4] & 0x04); /* frame header descriptor: content checksum */
}

static void test_gzip_header(void) {
    static const uint8_t expected[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3}; /* no name, no time */
    AUTO_BUFFER struct buffer packed = {0};
    CU_ASSERT_TRUE(pack(COMPRESSION_GZIP, &inputs[0], &packed));
    CU_ASSERT_EQUAL(memcmp(packed.data, expected, sizeof expected), 0);
}

static void test_bound(void) {
    for (size_t f = 0; f < ARRAY_SIZE(packed_formats); f++) {
        AUTO_BUFFER struct buffer packed = {0};
        CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[3], &packed));
        CU_ASSERT_TRUE(is_refused(packed_formats[f], packed.data, packed.size, inputs[3].size - 1));
        CU_ASSERT_TRUE(is_refused(packed_formats[f], packed.data, packed.size, 1000));
    }
    CU_ASSERT_TRUE(is_refused(COMPRESSION_NONE, "abc", 3, 2));
}

static void test_truncated(void) {
    for (size_t f = 0; f < ARRAY_SIZE(packed_formats); f++) {
        AUTO_BUFFER struct buffer packed = {0};
        CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[0], &packed));
        for (size_t size = 0; size < packed.size; size++)
            CU_ASSERT_TRUE(is_refused(packed_formats[f], packed.data, size, inputs[0].size));
    }
}

static void test_trailing_bytes(void) {
    for (size_t f = 0; f < ARRAY_SIZE(packed_formats); f++) {
        AUTO_BUFFER struct buffer packed = {0}, with_zeros = {0};
        CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[0], &packed));
        CU_ASSERT_EQUAL(buffer_append(&with_zeros, packed.data, packed.size), 0);
        CU_ASSERT_EQUAL(buffer_append(&with_zeros, "\0\0\0", 4), 0);
        CU_ASSERT_TRUE(is_refused(packed_formats[f], with_zeros.data, with_zeros.size, 1 << 20));
        CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[2], &packed)); /* a second stream */
        CU_ASSERT_TRUE(is_refused(packed_formats[f], packed.data, packed.size, 1 << 20));
    }
}

/* Every format has a checksum: a changed byte is found, or is one that means nothing. */
static void test_flipped_bytes(void) {
    for (size_t f = 0; f < ARRAY_SIZE(packed_formats); f++) {
        AUTO_BUFFER struct buffer packed = {0};
        CU_ASSERT_TRUE(pack(packed_formats[f], &inputs[0], &packed));
        for (size_t at = 0; at < packed.size; at++) {
            uint8_t kept = packed.data[at];
            packed.data[at] ^= (uint8_t)(1U << workdir_random() % 8);
            AUTO_BUFFER struct buffer back = {0};
            struct error err = {0};
            int rc = compression_unpack(packed_formats[f], packed.data, packed.size, 1 << 20,
                                        "m.ko", &back, &err);
            CU_ASSERT_TRUE(rc ? err.kind == ERROR_DAMAGED : same(&back, &inputs[0]));
            packed.data[at] = kept;
        }
    }
}

/* RFC 8878: magic, frame header descriptor, [window], content size, then one raw last block. */
static void test_zstd_claims(void) {
    static const uint8_t windowed[] = {0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x00, 0,    0,    0,
                                       0,    0,    0,    0,    0x10, 0x09, 0x00, 0x00, 'x'};
    static const uint8_t single_segment[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0,    0,    0,  0,
                                             0,    0,    0,    0x10, 0x09, 0x00, 0x00, 'x'};
    CU_ASSERT_EQUAL(ZSTD_getFrameContentSize(windowed, sizeof windowed), 1ULL << 60);
    CU_ASSERT_EQUAL(ZSTD_getFrameContentSize(single_segment, sizeof single_segment), 1ULL << 60);
    CU_ASSERT_TRUE(is_refused(COMPRESSION_ZSTD, windowed, sizeof windowed, 1 << 20));
    CU_ASSERT_TRUE(is_refused(COMPRESSION_ZSTD, single_segment, sizeof single_segment, 1 << 20));
}

/* The first block's header begins at byte 12: size, flags, filter, 1, dictionary, 3 zeros, CRC. */
static void test_xz_claims(void) {
    AUTO_BUFFER struct buffer packed = {0};
    CU_ASSERT_TRUE(pack(COMPRESSION_XZ, &inputs[0], &packed));
    CU_ASSERT_EQUAL(packed.data[12 + 2], 0x21); /* LZMA2 */
    packed.data[12 + 4] = 40;                   /* a dictionary of 4 GiB */
    uint32_t crc = lzma_crc32(packed.data + 12, 8, 0);
    for (unsigned i = 0; i < 4; i++)
        packed.data[12 + 8 + i] = (uint8_t)(crc >> (8 * i));
    struct error err = {0};
    AUTO_BUFFER struct buffer out = {0};
    CU_ASSERT_EQUAL(
        compression_unpack(COMPRESSION_XZ, packed.data, packed.size, 1 << 20, "m.ko", &out, &err),
        -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "memory"));
}

static bool libkmod_reads(struct kmod_ctx *kmod, const char *path) {
    struct kmod_module *module = NULL;
    struct kmod_list *info = NULL, *item;
    bool found = false;
    if (kmod_module_new_from_path(kmod, path, &module))
        return false;
    int count = kmod_module_get_info(module, &info);
    kmod_list_foreach(item, info) {
        const char *key = kmod_module_info_get_key(item);
        found |= !strcmp(key, "version") && !strcmp(kmod_module_info_get_value(item), "1.2.3");
    }
    kmod_module_info_free_list(info);
    kmod_module_unref(module);
    return count > 0 && found;
}

/* Debian's libkmod is built without zlib, so gzip is left to the gzip tool above. */
static void test_libkmod_reads_ours(void) {
    struct kmod_ctx *kmod = kmod_new(NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(kmod);
    static const enum compression formats[] = {COMPRESSION_NONE, COMPRESSION_XZ, COMPRESSION_ZSTD};
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        AUTO_BUFFER struct buffer packed = {0};
        char name[32];
        snprintf(name, sizeof name, "m%zu.ko%s", f, compression_suffix(formats[f]));
        CU_ASSERT_TRUE(pack(formats[f], &inputs[0], &packed));
        CU_ASSERT_TRUE(workdir_write(name, packed.data, packed.size));
        CU_ASSERT_TRUE(libkmod_reads(kmod, workdir_path(name)));
    }
    kmod_unref(kmod);
}

static CU_TestInfo tests[] = {
    {"names, suffixes and magic", test_names},
    {"what is packed comes back, always the same bytes", test_round_trip},
    {"gzip, xz and zstd read ours", test_tools_read_ours},
    {"we read gzip, xz and zstd", test_we_read_theirs},
    {"xz is what kbuild writes", test_xz_is_what_kbuild_writes},
    {"zstd says its size and has a checksum", test_zstd_header},
    {"gzip has no name and no time", test_gzip_header},
    {"the bound holds", test_bound},
    {"truncated at every byte", test_truncated},
    {"trailing bytes and second streams", test_trailing_bytes},
    {"every byte flipped", test_flipped_bytes},
    {"a zstd header that claims 2^60 bytes", test_zstd_claims},
    {"an xz header that claims a 4 GiB dictionary", test_xz_claims},
    {"libkmod reads ours", test_libkmod_reads_ours},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "compression",
         .pInitFunc = open_suite,
         .pCleanupFunc = close_suite,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
