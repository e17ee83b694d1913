#include "kmod/module/import_check.h"

#include <CUnit/Basic.h>
#include <elf.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define MODINFO(licence)                                                                           \
    { "name=fixture", "vermagic=" FIXTURE_VERMAGIC, "license=" licence }

static void test_unknown_symbol(void) {
    const struct module_fixture fixture = {.imports = {{.name = "no_such_symbol"}}};
    CU_ASSERT_TRUE(module_fixture_fails(&fixture, "symbol", "no_such_symbol", "an export", "none"));
}

static void test_weak(void) {
    const struct module_fixture absent = {.imports = {{.name = "no_such_symbol", .weak = true}}};
    CU_ASSERT_TRUE(module_fixture_loads(&absent));
    /* A weak symbol that is there is held to the same rules as any other. */
    const struct module_fixture present = {
        .modinfo = MODINFO("NVIDIA"),
        .imports = {{.name = FIXTURE_GPL, .weak = true}},
        .versions = {{.name = FIXTURE_GPL, .crc = FIXTURE_GPL_CRC}}};
    CU_ASSERT_TRUE(
        module_fixture_fails(&present, "licence", FIXTURE_GPL, "GPL-compatible", "NVIDIA"));
}

static void test_is_import(void) {
    const struct elf_symbol table = {.name = "_GLOBAL_OFFSET_TABLE_", .section = SHN_UNDEF};
    CU_ASSERT_FALSE(import_check_is_import(&table, EM_X86_64));
    CU_ASSERT_TRUE(import_check_is_import(&table, EM_AARCH64));
    const struct elf_symbol own = {.name = "own", .section = 1};
    CU_ASSERT_FALSE(import_check_is_import(&own, EM_X86_64));
    const struct elf_symbol absolute = {.name = "absolute", .section = SHN_ABS};
    CU_ASSERT_FALSE(import_check_is_import(&absolute, EM_X86_64));
}

static void test_common(void) {
    const struct module_fixture fixture = {.assembly = ".comm shared_counter, 8, 8\n"};
    CU_ASSERT_TRUE(module_fixture_fails(&fixture, "symbol", "shared_counter", "defined", "common"));
    const struct module_fixture mark = {.assembly = ".comm __gnu_lto_slim, 1, 1\n"};
    CU_ASSERT_TRUE(module_fixture_loads(&mark));
}

#define USES_GPL                                                                                   \
    .imports = {{.name = FIXTURE_GPL}}, .versions = {{.name = FIXTURE_GPL, .crc = FIXTURE_GPL_CRC}}

static void test_licence(void) {
    const struct module_fixture gpl = {.modinfo = MODINFO("Dual MIT/GPL"), USES_GPL};
    const struct module_fixture other = {.modinfo = MODINFO("NVIDIA"), USES_GPL};
    const struct module_fixture none = {.modinfo = {"name=fixture", "vermagic=" FIXTURE_VERMAGIC},
                                        USES_GPL};
    CU_ASSERT_TRUE(module_fixture_loads(&gpl));
    CU_ASSERT_TRUE(
        module_fixture_fails(&other, "licence", FIXTURE_GPL, "GPL-compatible", "NVIDIA"));
    CU_ASSERT_TRUE(module_fixture_fails(&none, "licence", FIXTURE_GPL, "GPL-compatible", "none"));
    const struct module_fixture plain = {
        .modinfo = MODINFO("NVIDIA"),
        .imports = {{.name = FIXTURE_ALPHA}},
        .versions = {{.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC}}};
    CU_ASSERT_TRUE(module_fixture_loads(&plain));
}

#define CORE                                                                                       \
    {                                                                                              \
        .file = "core.ko", .modinfo = MODINFO("NVIDIA"), .exports = {                              \
            {.name = "core_call", .crc = 5}                                                        \
        }                                                                                          \
    }

/* A GPL module that uses a proprietary one's exports may not use GPL-only exports, nor may one that
 * uses its exports in turn. */
static void test_taint(void) {
    const struct module_fixture set[] = {
        {.file = "user.ko",
         .modinfo = MODINFO("GPL"),
         .imports = {{.name = "middle_call"}, {.name = FIXTURE_GPL}},
         .versions = {{.name = "middle_call", .crc = 6},
                      {.name = FIXTURE_GPL, .crc = FIXTURE_GPL_CRC}}},
        {.file = "middle.ko",
         .modinfo = MODINFO("GPL"),
         .imports = {{.name = "core_call"}},
         .versions = {{.name = "core_call", .crc = 5}},
         .exports = {{.name = "middle_call", .crc = 6}}},
        CORE,
    };
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(set, ARRAY_SIZE(set), NULL, &report));
    CU_ASSERT_EQUAL_FATAL(report.failed, 1);
    CU_ASSERT_EQUAL_FATAL(report.verdicts[0].failure_count, 1);
    CU_ASSERT_STRING_EQUAL(report.verdicts[0].failures[0].check, "licence");
    CU_ASSERT_PTR_NOT_NULL(strstr(report.verdicts[0].failures[0].text, "middle.ko"));
}

static void test_name_space(void) {
    const struct module_fixture without = {
        .imports = {{.name = FIXTURE_SPACED}},
        .versions = {{.name = FIXTURE_SPACED, .crc = FIXTURE_SPACED_CRC}}};
    CU_ASSERT_TRUE(
        module_fixture_fails(&without, "namespace", FIXTURE_SPACED, "SPACE", "not imported"));
    const struct module_fixture with = {
        .modinfo = {"name=fixture", "vermagic=" FIXTURE_VERMAGIC, "license=GPL", "import_ns=SPACE"},
        .imports = {{.name = FIXTURE_SPACED}},
        .versions = {{.name = FIXTURE_SPACED, .crc = FIXTURE_SPACED_CRC}}};
    CU_ASSERT_TRUE(module_fixture_loads(&with));
}

static void test_import_of_a_list(void) {
    const struct module_fixture fixture = {.modinfo = {"name=fixture", "vermagic=" FIXTURE_VERMAGIC,
                                                       "license=GPL", "import_ns=SPACE",
                                                       "import_ns=module:fixture"}};
    CU_ASSERT_TRUE(
        module_fixture_fails(&fixture, "namespace", NULL, "no import of it", "module:fixture"));
}

static void test_name_space_of_sibling(void) {
    const struct module_fixture set[] = {
        {.file = "core.ko", .exports = {{.name = "call", .crc = 5, .name_space = "module:friend"}}},
        {.file = "friend.ko",
         .modinfo = {"name=friend", "vermagic=" FIXTURE_VERMAGIC, "license=GPL"},
         .imports = {{.name = "call"}},
         .versions = {{.name = "call", .crc = 5}}},
        {.file = "stranger.ko",
         .modinfo = {"name=stranger", "vermagic=" FIXTURE_VERMAGIC, "license=GPL"},
         .imports = {{.name = "call"}},
         .versions = {{.name = "call", .crc = 5}}},
    };
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(set, ARRAY_SIZE(set), NULL, &report));
    CU_ASSERT_EQUAL(report.verdicts[1].failure_count, 0);
    CU_ASSERT_EQUAL_FATAL(report.verdicts[2].failure_count, 1);
    CU_ASSERT_STRING_EQUAL(report.verdicts[2].failures[0].check, "namespace");
    CU_ASSERT_STRING_EQUAL(report.verdicts[2].failures[0].found, "stranger");
}

static CU_TestInfo tests[] = {
    {"a symbol that nobody exports", test_unknown_symbol},
    {"weak symbols", test_weak},
    {"what counts as an import", test_is_import},
    {"common symbols", test_common},
    {"GPL-only exports", test_licence},
    {"a proprietary sibling taints", test_taint},
    {"namespaces", test_name_space},
    {"a list of modules is not imported", test_import_of_a_list},
    {"a sibling's namespace", test_name_space_of_sibling},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "import check",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
