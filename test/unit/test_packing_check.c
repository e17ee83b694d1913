#include "kmod/module/packing_check.h"

#include <CUnit/Basic.h>
#include <lzma.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static int open_suite(void) {
    AUTO_MODULE_FILE struct module_file file = {0};
    const struct module_fixture good = FIXTURE_GOOD;
    return workdir_open() || !module_fixture_make(&good, &file);
}

/* The good module packed by a shell line, which reads fixture.ko and writes "packed". */
static bool pack(const char *line, struct module_file *file) {
    struct error err = {0};
    *file = (struct module_file){0};
    return workdir_run("/bin/sh", "-c", line, NULL) &&
           module_file_read(workdir_path("packed"), file, &err) == 0;
}

/* "": it loads; else what the one failed check, "packing", found. */
static bool found_is(const char *line, bool gzip, const char *found) {
    AUTO_MODULE_FILE struct module_file file;
    AUTO_VERIFY_REPORT struct verify_report report = {0};
    struct error err = {0};
    struct verify_target target = module_fixture_target();
    target.gzip = gzip;
    if (!pack(line, &file) || verify_modules(&target, &file, 1, &report, &err))
        return false;
    const struct verify_verdict *verdict = &report.verdicts[0];
    if (!*found)
        return verdict->failure_count == 0;
    return verdict->failure_count == 1 && strcmp(verdict->failures[0].check, "packing") == 0 &&
           strcmp(verdict->failures[0].found, found) == 0;
}

static void test_xz(void) {
    CU_ASSERT_TRUE(found_is("xz -c --check=crc32 --lzma2=dict=1MiB fixture.ko >packed", false, ""));
    CU_ASSERT_TRUE(found_is("xz -c --check=none --lzma2=dict=1MiB fixture.ko >packed", false, ""));
    CU_ASSERT_TRUE(
        found_is("xz -c --check=crc64 --lzma2=dict=1MiB fixture.ko >packed", false, "crc64"));
    CU_ASSERT_TRUE(
        found_is("xz -c --check=sha256 --lzma2=dict=1MiB fixture.ko >packed", false, "sha256"));
    CU_ASSERT_TRUE(
        found_is("xz -c --check=crc32 --lzma2=dict=8MiB fixture.ko >packed", false, "8388608"));
    CU_ASSERT_TRUE(
        found_is("xz -c --check=crc32 --delta=dist=4 --lzma2=dict=1MiB fixture.ko >packed", false,
                 "other filters"));
    CU_ASSERT_TRUE(found_is("xz -c --check=crc32 --x86 --lzma2=dict=1MiB fixture.ko >packed", false,
                            "other filters"));
}

/* One stream of two blocks: `first` for the first half, `second` for the other. */
static bool pack_blocks(const lzma_filter *first, const lzma_filter *second) {
    AUTO_BUFFER struct buffer plain = {0};
    uint8_t packed[64 << 10];
    lzma_stream stream = LZMA_STREAM_INIT;
    if (!workdir_read("fixture.ko", &plain) ||
        lzma_stream_encoder(&stream, first, LZMA_CHECK_CRC32) != LZMA_OK)
        return false;
    stream.next_in = plain.data;
    stream.avail_in = plain.size / 2;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    bool done = lzma_code(&stream, LZMA_FULL_FLUSH) == LZMA_STREAM_END &&
                lzma_filters_update(&stream, second) == LZMA_OK;
    stream.avail_in = plain.size - plain.size / 2;
    done = done && lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END &&
           workdir_write("blocks.xz", packed, stream.total_out);
    lzma_end(&stream);
    return done;
}

static void test_xz_of_several_blocks(void) {
    lzma_options_lzma small, large;
    CU_ASSERT_FALSE(lzma_lzma_preset(&small, 0) || lzma_lzma_preset(&large, 6));
    small.dict_size = 1 << 20;
    lzma_options_delta delta = {.type = LZMA_DELTA_TYPE_BYTE, .dist = 4};
    const lzma_filter plain[] = {{LZMA_FILTER_LZMA2, &small}, {LZMA_VLI_UNKNOWN, NULL}};
    const lzma_filter wide[] = {{LZMA_FILTER_LZMA2, &large}, {LZMA_VLI_UNKNOWN, NULL}};
    const lzma_filter filtered[] = {
        {LZMA_FILTER_DELTA, &delta}, {LZMA_FILTER_LZMA2, &small}, {LZMA_VLI_UNKNOWN, NULL}};
    CU_ASSERT_TRUE(pack_blocks(plain, plain));
    CU_ASSERT_TRUE(found_is("cp blocks.xz packed", false, ""));
    CU_ASSERT_TRUE(pack_blocks(plain, wide));
    CU_ASSERT_TRUE(found_is("cp blocks.xz packed", false, "8388608"));
    CU_ASSERT_TRUE(pack_blocks(plain, filtered));
    CU_ASSERT_TRUE(found_is("cp blocks.xz packed", false, "other filters"));
}

static void test_zstd(void) {
    CU_ASSERT_TRUE(found_is("zstd -qc fixture.ko >packed", false, ""));
    CU_ASSERT_TRUE(found_is("zstd -qc <fixture.ko >packed", false, "none"));
}

static void test_gzip(void) {
    CU_ASSERT_TRUE(found_is("gzip -c fixture.ko >packed", true, ""));
    CU_ASSERT_TRUE(found_is("gzip -nc fixture.ko >packed", false, "not set"));
    static const char with_comment[] =
        "gzip -nc fixture.ko >plain && { head -c 3 plain; printf '\\020'; tail -c +5 plain | "
        "head -c 6; printf 'x\\0'; tail -c +11 plain; } >packed";
    CU_ASSERT_TRUE(found_is(with_comment, true, "more fields"));
}

static void test_parameters(void) {
    AUTO_MODULE_FILE struct module_file xz, zstd;
    CU_ASSERT_TRUE(pack("xz -c --check=crc32 --lzma2=dict=64KiB fixture.ko >packed", &xz));
    CU_ASSERT_STRING_EQUAL(xz.packing.check, "crc32");
    CU_ASSERT_EQUAL(xz.packing.window, 64 << 10);
    CU_ASSERT_TRUE(xz.packed_size > 0 && xz.packed_size < xz.content.size);
    CU_ASSERT_TRUE(pack("zstd -qc --no-check --long=24 <fixture.ko >packed", &zstd));
    CU_ASSERT_STRING_EQUAL(zstd.packing.check, "none");
    CU_ASSERT_EQUAL(zstd.packing.window, 16 << 20);
}

static CU_TestInfo tests[] = {
    {"xz", test_xz},
    {"an xz stream of several blocks", test_xz_of_several_blocks},

    {"an xz stream of several blocks", test_xz_of_several_blocks},
    {"zstd", test_zstd},
    {"gzip", test_gzip},
    {"parameters", test_parameters},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "packing check",
         .pInitFunc = open_suite,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
