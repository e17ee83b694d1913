#include "base/path.h"

#include <CUnit/Basic.h>

#include "test/unit/run_suites.h"

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

static void test_in(void) {
    CU_ASSERT_TRUE(path_is_in("/a", "/a"));
    CU_ASSERT_TRUE(path_is_in("/a/b", "/a"));
    CU_ASSERT_FALSE(path_is_in("/ab", "/a"));
    CU_ASSERT_FALSE(path_is_in("/", "/a"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"below", test_below},
        {"in", test_in},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "path", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
