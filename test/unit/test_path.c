#include "base/path.h"

#include <CUnit/Basic.h>

static void test_below(void) {
    CU_ASSERT_TRUE(path_is_below("/a/b", "/a"));
    CU_ASSERT_TRUE(path_is_below("/a/b/c", "/a"));
    CU_ASSERT_TRUE(path_is_below("a/b", "a"));
    CU_ASSERT_FALSE(path_is_below("/a", "/a"));
    CU_ASSERT_FALSE(path_is_below("/a-b/c", "/a"));
    CU_ASSERT_FALSE(path_is_below("/ab", "/a"));
    CU_ASSERT_FALSE(path_is_below("/", "/a"));
    CU_ASSERT_FALSE(path_is_below("", "/a"));
    CU_ASSERT_FALSE(path_is_below("/a", ""));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"below", test_below},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "path", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    bool failed = CU_get_number_of_failures() > 0 || CU_get_number_of_suites_failed() > 0;
    CU_cleanup_registry();
    return failed;
}
