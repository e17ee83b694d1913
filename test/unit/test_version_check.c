#include "kmod/module/version_check.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define ALPHA_TEXT "0x0a0a0a0a"
#define LAYOUT_TEXT "0xca916cb2"
#define IMPORTS_ALPHA .imports = {{.name = FIXTURE_ALPHA}}

static void test_wrong_crc(void) {
    const struct module_fixture fixture = {
        IMPORTS_ALPHA, .versions = {{.name = FIXTURE_ALPHA, .crc = 0xdeadbeef}}};
    CU_ASSERT_TRUE(module_fixture_fails(&fixture, "crc", FIXTURE_ALPHA, ALPHA_TEXT, "0xdeadbeef"));
}

static void test_missing_crc(void) {
    const struct module_fixture fixture = {IMPORTS_ALPHA};
    CU_ASSERT_TRUE(module_fixture_fails(&fixture, "crc", FIXTURE_ALPHA, ALPHA_TEXT, "none"));
}

static void test_layout(void) {
    const struct module_fixture without = {
        IMPORTS_ALPHA, .versions = {{.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC}},
        .without_layout = true};
    CU_ASSERT_TRUE(module_fixture_fails(&without, "crc", "module_layout", LAYOUT_TEXT, "none"));
    const struct module_fixture wrong = {.versions = {{.name = "module_layout", .crc = 1}},
                                         .without_layout = true};
    CU_ASSERT_TRUE(module_fixture_fails(&wrong, "crc", "module_layout", LAYOUT_TEXT, "0x00000001"));
}

static void test_no_versions(void) {
    const struct module_fixture fixture = {IMPORTS_ALPHA, .without_versions = true};
    CU_ASSERT_TRUE(module_fixture_fails(&fixture, "crc", NULL, "symbol versions", "none"));
    struct verify_target target = module_fixture_target();
    target.modversions = false;
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(&fixture, 1, &target, &report));
    CU_ASSERT_EQUAL(report.failed, 0);
}

/* modpost writes no entry for an export whose CRC it could not make; one that is there counts. */
static void test_unversioned_export(void) {
    const struct module_fixture without = {.imports = {{.name = "unversioned"}}};
    CU_ASSERT_TRUE(module_fixture_loads(&without));
    const struct module_fixture zero = {.imports = {{.name = "unversioned"}},
                                        .versions = {{.name = "unversioned", .crc = 0}}};
    CU_ASSERT_TRUE(module_fixture_loads(&zero));
    const struct module_fixture wrong = {.imports = {{.name = "unversioned"}},
                                         .versions = {{.name = "unversioned", .crc = 9}}};
    CU_ASSERT_TRUE(module_fixture_fails(&wrong, "crc", "unversioned", "0x00000000", "0x00000009"));
}

/* An entry for what nobody exports, and one for what the module does not import. */
static void test_other_entries(void) {
    const struct module_fixture nobody = {.versions = {{.name = "no_such_symbol", .crc = 1}}};
    CU_ASSERT_TRUE(module_fixture_loads(&nobody));
    const struct module_fixture unused = {.versions = {{.name = FIXTURE_ALPHA, .crc = 1}}};
    CU_ASSERT_TRUE(module_fixture_fails(&unused, "crc", FIXTURE_ALPHA, ALPHA_TEXT, "0x00000001"));
}

#define GOOD_EXTENDED                                                                              \
    {.name = "module_layout", .crc = FIXTURE_LAYOUT_CRC}, {                                        \
        .name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC                                            \
    }
#define GOOD_BASIC .versions = {{.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC}}

static void test_extended(void) {
    const struct module_fixture both = {IMPORTS_ALPHA, GOOD_BASIC, .extended = {GOOD_EXTENDED}};
    CU_ASSERT_TRUE(module_fixture_loads(&both));
    const struct module_fixture alone = {IMPORTS_ALPHA, .without_versions = true,
                                         .extended = {GOOD_EXTENDED}};
    CU_ASSERT_TRUE(module_fixture_loads(&alone));
    const struct module_fixture missing = {
        IMPORTS_ALPHA, .without_versions = true,
        .extended = {{.name = "module_layout", .crc = FIXTURE_LAYOUT_CRC}}};
    CU_ASSERT_TRUE(module_fixture_fails(&missing, "crc", FIXTURE_ALPHA, ALPHA_TEXT, "none"));
}

/* Whether the fixture loads on a kernel from before the extended table, or what it wanted instead.
 */
static bool loads_on_older(const struct module_fixture *fixture, const char *wanted) {
    struct verify_target target = module_fixture_target();
    target.extended_modversions = false;
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    if (!module_fixture_verify(fixture, 1, &target, &report))
        return false;
    if (!wanted)
        return report.failed == 0;
    return report.failed == 1 && strcmp(report.verdicts[0].failures[0].check, "crc") == 0 &&
           strcmp(report.verdicts[0].failures[0].wanted, wanted) == 0;
}

static void test_extended_on_older_kernel(void) {
    const struct module_fixture alone = {IMPORTS_ALPHA, .without_versions = true,
                                         .extended = {GOOD_EXTENDED}};
    CU_ASSERT_TRUE(loads_on_older(&alone, "__versions"));
    const struct module_fixture both = {IMPORTS_ALPHA, GOOD_BASIC, .extended = {GOOD_EXTENDED}};
    CU_ASSERT_TRUE(loads_on_older(&both, NULL));
    /* What only the extended table has room for is no CRC there. */
    const struct module_fixture basic_lacks = {IMPORTS_ALPHA, .extended = {GOOD_EXTENDED},
                                               .versions = {{.name = "other", .crc = 1}}};
    CU_ASSERT_TRUE(loads_on_older(&basic_lacks, ALPHA_TEXT));
}

static void test_disagreement(void) {
    /* The newer kernel's table is right, the one that older tools read is not. */
    const struct module_fixture differ = {IMPORTS_ALPHA,
                                          .versions = {{.name = FIXTURE_ALPHA, .crc = 1}},
                                          .extended = {GOOD_EXTENDED}};
    CU_ASSERT_TRUE(module_fixture_fails(&differ, "crc", FIXTURE_ALPHA, ALPHA_TEXT, "0x00000001"));
    const struct module_fixture basic_lacks = {IMPORTS_ALPHA, .extended = {GOOD_EXTENDED}};
    CU_ASSERT_TRUE(module_fixture_fails(&basic_lacks, "crc", FIXTURE_ALPHA, ALPHA_TEXT, "none"));
    const struct module_fixture extended_lacks = {
        .versions = {{.name = "stale", .crc = 1}},
        .extended = {{.name = "module_layout", .crc = FIXTURE_LAYOUT_CRC}}};
    CU_ASSERT_TRUE(module_fixture_fails(&extended_lacks, "crc", "stale", "none", "0x00000001"));
}

static void test_long_name(void) {
    static const char name[] = "a_name_that_is_much_longer_than_the_fixed_entries_have_room_for";
    const struct module_fixture fixture = {IMPORTS_ALPHA, GOOD_BASIC,
                                           .extended = {GOOD_EXTENDED, {.name = name, .crc = 4}}};
    CU_ASSERT_TRUE(module_fixture_loads(&fixture));
}

static void test_exports(void) {
    const struct module_fixture with = {.exports = {{.name = "own", .crc = 4}}};
    CU_ASSERT_TRUE(module_fixture_loads(&with));
    const struct module_fixture without = {.exports = {{.name = "own", .without_crc = true}}};
    CU_ASSERT_TRUE(module_fixture_fails(&without, "crc", "own", "a CRC", "none"));
}

static CU_TestInfo tests[] = {
    {"a wrong CRC", test_wrong_crc},
    {"a missing CRC", test_missing_crc},
    {"module_layout", test_layout},
    {"no versions at all", test_no_versions},
    {"an export without version", test_unversioned_export},
    {"entries of no import", test_other_entries},
    {"extended versions", test_extended},
    {"extended versions on an older kernel", test_extended_on_older_kernel},
    {"two tables that disagree", test_disagreement},
    {"a name that only the extended table has room for", test_long_name},
    {"the module's own exports", test_exports},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "version check",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
