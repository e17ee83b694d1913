#include "kmod/module/verify.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "kmod/module/symvers.h"
#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define REAL_SYMVERS "/usr/src/linux-headers-6.1.0-47-cloud-amd64/Module.symvers"

#define USER(call_crc)                                                                             \
    {                                                                                              \
        .file = "user.ko", .imports = {{.name = "call"}}, .versions = {                            \
            {.name = "call", .crc = (call_crc)}                                                    \
        }                                                                                          \
    }
#define EXPORTER(path, call_crc)                                                                   \
    {                                                                                              \
        .file = (path), .exports = { {.name = "call", .crc = (call_crc)} }                         \
    }

static void test_siblings(void) {
    const struct module_fixture set[] = {USER(0x77), EXPORTER("core.ko", 0x77)};
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(set, 2, NULL, &report));
    CU_ASSERT_EQUAL(report.count, 2);
    CU_ASSERT_EQUAL(report.failed, 0);
    CU_ASSERT_STRING_EQUAL(strrchr(report.verdicts[0].file, '/'), "/user.ko");
    CU_ASSERT_STRING_EQUAL(strrchr(report.verdicts[1].file, '/'), "/core.ko");
    CU_ASSERT_TRUE(module_fixture_fails(&set[0], "symbol", "call", "an export", "none"));
}

static void test_sibling_crc(void) {
    const struct module_fixture set[] = {EXPORTER("core.ko", 0x77), USER(0x78)};
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(set, 2, NULL, &report));
    CU_ASSERT_EQUAL(report.failed, 1);
    CU_ASSERT_EQUAL_FATAL(report.verdicts[1].failure_count, 1);
    const struct verify_failure *failure = report.verdicts[1].failures;
    CU_ASSERT_STRING_EQUAL(failure->wanted, "0x00000077");
    CU_ASSERT_STRING_EQUAL(failure->found, "0x00000078");
    CU_ASSERT_PTR_NOT_NULL(strstr(failure->source, "core.ko"));
}

/* A sibling stands for the kernel's module of old: its CRC counts, not that of Module.symvers. */
static void test_sibling_before_kernel(void) {
    const struct module_fixture set[] = {
        {.file = "user.ko",
         .imports = {{.name = FIXTURE_SPACED}},
         .versions = {{.name = FIXTURE_SPACED, .crc = 1}}},
        {.file = "other.ko", .exports = {{.name = FIXTURE_SPACED, .crc = 1}}},
    };
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(set, 2, NULL, &report));
    CU_ASSERT_EQUAL(report.failed, 0);
}

static void test_exported_twice(void) {
    const struct module_fixture set[] = {EXPORTER("a.ko", 1), EXPORTER("b.ko", 1)};
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(set, 2, NULL, &report));
    CU_ASSERT_EQUAL_FATAL(report.failed, 2);
    CU_ASSERT_STRING_EQUAL(report.verdicts[0].failures[0].check, "export");
    CU_ASSERT_STRING_EQUAL(report.verdicts[0].failures[0].symbol, "call");
    const struct module_fixture shadow = {.exports = {{.name = FIXTURE_ALPHA, .crc = 1}}};
    CU_ASSERT_TRUE(
        module_fixture_fails(&shadow, "export", FIXTURE_ALPHA, "one exporter", "vmlinux"));
}

/* As when DKMS put a module in place of the kernel's own: only one of them is loaded. */
static void test_two_of_one_name(void) {
    struct module_fixture set[] = {EXPORTER("a.ko", 1), EXPORTER("b.ko", 1), USER(1)};
    set[0].modinfo[0] = set[1].modinfo[0] = "name=core";
    set[0].modinfo[1] = set[1].modinfo[1] = "vermagic=" FIXTURE_VERMAGIC;
    set[0].modinfo[2] = set[1].modinfo[2] = "license=GPL";
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(set, 3, NULL, &report));
    CU_ASSERT_EQUAL(report.failed, 0);
}

static void test_nothing_and_broken_symvers(void) {
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE(module_fixture_verify(NULL, 0, NULL, &report));
    CU_ASSERT_EQUAL(report.count, 0);
    struct verify_target target = module_fixture_target();
    target.symvers = "broken\n";
    target.symvers_size = 7;
    struct error err = {.kind = ERROR_NONE};
    verify_report_release(&report);
    CU_ASSERT_EQUAL(verify_modules(&target, NULL, 0, &report, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

/* Against the Module.symvers that a distribution ships: 14,379 exports. */
static void test_real_symvers(void) {
    AUTO_BUFFER struct buffer text = {.data = NULL};
    AUTO_SYMVERS struct symvers symvers = {.text = NULL};
    struct error err = {.kind = ERROR_NONE};
    int rc = file_read_path(REAL_SYMVERS, 64UL << 20, &text, &err);
    if (rc < 0)
        fprintf(stderr, "%s (install linux-headers-6.1.0-47-cloud-amd64)\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL_FATAL(
        symvers_parse(buffer_string(&text), text.size, REAL_SYMVERS, &symvers, &err), 0);
    CU_ASSERT_EQUAL_FATAL(export_table_sort(&symvers.exports), 0);
    const struct export *printk = export_table_find(&symvers.exports, "_printk", NULL);
    const struct export *layout = export_table_find(&symvers.exports, "module_layout", NULL);
    CU_ASSERT_TRUE_FATAL(printk && layout);

    struct verify_target target = module_fixture_target();
    target.symvers = buffer_string(&text);
    target.symvers_size = text.size;
    target.symvers_name = REAL_SYMVERS;
    struct module_fixture fixture = {.imports = {{.name = "_printk"}},
                                     .versions = {{.name = "module_layout", .crc = layout->crc},
                                                  {.name = "_printk", .crc = printk->crc}},
                                     .without_layout = true};
    AUTO_VERIFY_REPORT struct verify_report good = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(&fixture, 1, &target, &good));
    CU_ASSERT_EQUAL(good.failed, 0);
    fixture.versions[1].crc ^= 1;
    AUTO_VERIFY_REPORT struct verify_report bad = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(&fixture, 1, &target, &bad));
    CU_ASSERT_EQUAL_FATAL(bad.failed, 1);
    CU_ASSERT_STRING_EQUAL(bad.verdicts[0].failures[0].symbol, "_printk");
}

/* Everything a module can have, so that damage can hit every reader. */
static const struct module_fixture rich = {
    .imports = {{.name = FIXTURE_ALPHA}, {.name = FIXTURE_GPL}, {.name = "gone", .weak = true}},
    .versions = {{.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC},
                 {.name = FIXTURE_GPL, .crc = FIXTURE_GPL_CRC}},
    .extended = {{.name = "module_layout", .crc = FIXTURE_LAYOUT_CRC},
                 {.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC},
                 {.name = FIXTURE_GPL, .crc = FIXTURE_GPL_CRC}},
    .exports = {{.name = "one", .crc = 1, .name_space = "SPACE"},
                {.name = "two", .crc = 2, .gpl_only = true},
                {.name = "three", .crc = 3, .absolute_crc = true}},
};

/* How many failures a file of exactly these bytes gets; −1 when verify gave no verdict. */
static int failures_of(const uint8_t *bytes, size_t size) {
    const struct verify_target target = module_fixture_target();
    AUTO_FREE uint8_t *exact = malloc(size > 0 ? size : 1); /* a sanitizer sees a read behind it */
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    struct error err = {.kind = ERROR_NONE};
    if (!exact)
        return -1;
    memcpy(exact, bytes, size);
    const struct module_file file = {.name = (char *)"hostile.ko",
                                     .content = {.data = exact, .size = size, .capacity = size},
                                     .elf_size = size};
    int rc = verify_modules(&target, &file, 1, &report, &err);
    return rc < 0 ? -1 : (int)report.verdicts[0].failure_count;
}

static void test_truncated(void) {
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&rich, &file));
    CU_ASSERT_EQUAL(failures_of(file.content.data, file.elf_size), 0);
    for (size_t part = 0; part < 64; part++)
        CU_ASSERT_TRUE(failures_of(file.content.data, file.elf_size * part / 64) > 0);
}

/* Random bytes changed, thousands of times: always a verdict, often a failure, never a crash. */
static void test_flipped(void) {
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&rich, &file));
    unsigned without_verdict = 0, failed = 0;
    const unsigned rounds = 20000;
    for (unsigned i = 0; i < rounds; i++) {
        AUTO_MODULE_FILE struct module_file copy = {.name = NULL};
        CU_ASSERT_TRUE_FATAL(module_fixture_copy(&file, &copy));
        for (unsigned flips = 1 + workdir_random() % 8; flips > 0; flips--)
            copy.content.data[workdir_random() % copy.elf_size] = (uint8_t)workdir_random();
        int failures = failures_of(copy.content.data, copy.elf_size);
        without_verdict += failures < 0;
        failed += failures > 0;
    }
    CU_ASSERT_EQUAL(without_verdict, 0);
    CU_ASSERT_TRUE(failed > rounds / 10);
    CU_ASSERT_TRUE(failed < rounds);
}

/* The same on the headers alone, where every byte leads somewhere. */
static void test_flipped_headers(void) {
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&rich, &file));
    uint64_t table;
    memcpy(&table, file.content.data + 40, sizeof(table)); /* e_shoff */
    CU_ASSERT_TRUE_FATAL(table < file.elf_size);
    unsigned without_verdict = 0;
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    for (size_t at = 0; at < file.elf_size; at = at == 63 ? (size_t)table : at + 1) {
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            uint8_t saved = file.content.data[at];
            file.content.data[at] = values[i];
            without_verdict += failures_of(file.content.data, file.elf_size) < 0;
            file.content.data[at] = saved;
        }
    }
    CU_ASSERT_EQUAL(without_verdict, 0);
}

static CU_TestInfo tests[] = {
    {"siblings use each other's exports", test_siblings},
    {"a sibling's CRC", test_sibling_crc},
    {"a sibling comes before the kernel", test_sibling_before_kernel},
    {"exported twice", test_exported_twice},
    {"two of one name", test_two_of_one_name},
    {"no modules; a broken Module.symvers", test_nothing_and_broken_symvers},
    {"the real Module.symvers", test_real_symvers},
    {"truncated at each 64th", test_truncated},
    {"20,000 times random bytes", test_flipped},
    {"every byte of the headers", test_flipped_headers},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "verify",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
