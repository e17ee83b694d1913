#include "kmod/system/unpacker.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/interrupt.h"
#include "kmod/system/unpacker_library.h"
#include "kmod/system/unpacker_programs.h"
#include "test/unit/empty_world.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_cpio.h"

/* What there is to unpack, given a few bytes at a time. */
struct supply {
    const struct buffer *bytes;
    size_t given;
    int rc; /* instead of an end */
};

static struct error err;
static struct buffer output;

static void tear_down(void) {
    buffer_release(&output);
    err = (struct error){0};
}

static int give(void *context, void *data, size_t size, size_t *got, struct error *reason) {
    struct supply *supply = context;
    size_t left = supply->bytes->size - supply->given, step = left < 7 ? left : 7;
    *got = step < size ? step : size;
    if (*got == 0 && supply->rc)
        return error_set(reason, ERROR_BUSY, -supply->rc, "nothing more");
    memcpy(data, supply->bytes->data + supply->given, *got);
    supply->given += *got;
    return 0;
}

static int unpack_supply(struct supply *supply, uint64_t *consumed) {
    AUTO_UNPACKER struct unpacker *unpacker = NULL;
    char chunk[100];
    size_t got = 1;
    buffer_release(&output);
    err = (struct error){0};
    int rc = unpacker_open(&unpacker, give, supply, "the stream", &err);
    while (!rc && got > 0) {
        rc = unpacker_read(unpacker, chunk, sizeof chunk, &got, &err);
        if (!rc && buffer_append(&output, chunk, got))
            rc = -ENOMEM;
    }
    *consumed = rc ? 0 : unpacker_consumed(unpacker);
    return rc;
}

static int unpack(const struct buffer *bytes, uint64_t *consumed) {
    struct supply supply = {.bytes = bytes};
    return unpack_supply(&supply, consumed);
}

static void make_content(struct buffer *content) {
    for (unsigned i = 0; i < 5000; i++)
        CU_ASSERT_EQUAL(buffer_printf(content, "line %u\n", i * i), 0);
}

static void test_every_format(void) {
    static const char *const formats[] = {"gzip", "bzip2", "lzma",      "xz",
                                          "lz4",  "zstd",  "lz4-legacy"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer content = {0}, packed = {0};
        uint64_t consumed = 0;
        make_content(&content);
        scratch_cpio_pack(&packed, &content, formats[i]);
        int rc = unpack(&packed, &consumed);
        if (rc)
            fprintf(stderr, "%s: %s\n", formats[i], err.text);
        CU_ASSERT_EQUAL(rc, 0);
        CU_ASSERT_EQUAL(consumed, packed.size);
        CU_ASSERT_EQUAL_FATAL(output.size, content.size);
        CU_ASSERT_EQUAL(memcmp(output.data, content.data, content.size), 0);
    }
}

static void test_no_format(void) {
    static const char *const texts[] = {"", "x", "neither of them", "\x1f"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_BUFFER struct buffer bytes = {0};
        uint64_t consumed;
        CU_ASSERT_EQUAL(buffer_append_string(&bytes, texts[i]), 0);
        CU_ASSERT_EQUAL(unpack(&bytes, &consumed), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the stream"));
    }
}

/* libarchive does not compare gzip's checksum. */
static void test_damaged(void) {
    static const char *const formats[] = {"xz", "zstd"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer content = {0}, packed = {0};
        uint64_t consumed;
        make_content(&content);
        scratch_cpio_pack(&packed, &content, formats[i]);
        packed.data[packed.size / 2] ^= 0x55;
        CU_ASSERT_EQUAL(unpack(&packed, &consumed), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the stream"));
    }
}

static void test_source_that_fails(void) {
    AUTO_BUFFER struct buffer content = {0}, packed = {0};
    uint64_t consumed;
    make_content(&content);
    scratch_cpio_pack(&packed, &content, "gzip");
    packed.size /= 2;
    struct supply supply = {.bytes = &packed, .rc = -EBUSY};
    CU_ASSERT_EQUAL(unpack_supply(&supply, &consumed), -EBUSY);
    CU_ASSERT_EQUAL(err.kind, ERROR_BUSY);
}

static int open_zstd(struct error *reason) {
    AUTO_UNPACKER struct unpacker *unpacker = NULL;
    struct buffer bytes = {.data = (uint8_t *)(uintptr_t) "\x28\xb5\x2f\xfd", .size = 4};
    struct supply supply = {.bytes = &bytes};
    return unpacker_open(&unpacker, give, &supply, "the stream", reason);
}

/* Where there is no such program. */
static void test_missing_program(void) {
    CU_ASSERT_EQUAL(in_empty_world(open_zstd, "ID=debian\n", &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "zstd is not installed"));
}

static int use_programs(void) {
    unpacker_use(&unpacker_programs);
    return 0;
}

static int use_library(void) {
    unpacker_use(&unpacker_library);
    return 0;
}

int main(void) {
    interrupt_install();
    CU_TestInfo tests[] = {
        {"every format", test_every_format},
        {"no format", test_no_format},
        {"damaged", test_damaged},
        {"a source that fails", test_source_that_fails},
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo program_tests[] = {
        {"a missing program", test_missing_program},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "unless told otherwise: programs",
         .pTearDownFunc = tear_down,
         .pTests = program_tests},
        {.pName = "by the library",
         .pInitFunc = use_library,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        {.pName = "by programs",
         .pInitFunc = use_programs,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
