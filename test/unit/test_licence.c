#include "kmod/module/licence.h"

#include <CUnit/Basic.h>

#include "base/cleanup.h"
#include "test/unit/run_suites.h"

static void test_compatible(void) {
    static const char *const yes[] = {"GPL",          "GPL v2",       "GPL and additional rights",
                                      "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
    static const char *const no[] = {"NVIDIA", "MIT", "BSD",    "Proprietary",
                                     "",       "gpl", "GPL v3", "GPL "};
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        CU_ASSERT_TRUE(licence_is_gpl_compatible(yes[i]));
    for (size_t i = 0; i < ARRAY_SIZE(no); i++)
        CU_ASSERT_FALSE(licence_is_gpl_compatible(no[i]));
}

static bool allows(const char *text, size_t size) {
    const struct modinfo modinfo = {.text = text, .size = size};
    return licence_allows_gpl_exports(&modinfo);
}

static void test_module(void) {
    static const char one[] = "name=x\0license=Dual MIT/GPL";
    static const char two[] = "license=GPL\0license=GPL v2";
    static const char mixed[] = "license=GPL\0license=NVIDIA";
    static const char none[] = "name=x";
    CU_ASSERT_TRUE(allows(one, sizeof(one)));
    CU_ASSERT_TRUE(allows(two, sizeof(two)));
    CU_ASSERT_FALSE(allows(mixed, sizeof(mixed)));
    CU_ASSERT_FALSE(allows(none, sizeof(none)));
}

static CU_TestInfo tests[] = {
    {"the kernel's list", test_compatible},
    {"all that a module names", test_module},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "licence", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
