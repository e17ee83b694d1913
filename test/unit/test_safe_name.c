#include <CUnit/Basic.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "test/unit/run_suites.h"

#include "kmod/lifecycle/safe_name.h"

static void test_names_of_real_things_pass(void) {
    CU_ASSERT_TRUE(safe_name("6.1.0-47-cloud-amd64"));
    CU_ASSERT_TRUE(safe_name("6.8.0-1021-azure+fips~22.04.1"));
    CU_ASSERT_TRUE(safe_name("nvidia-current-open"));
    CU_ASSERT_TRUE(safe_name("modules.dep.bin"));
}

static void test_a_name_never_leaves_its_folder(void) {
    static const char *const hostile[] = {"", ".", "..", "a/b", "/", "a b", "a\nb", "-rf", "*"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        CU_ASSERT_FALSE(safe_name(hostile[i]));
    char overlong[300];
    memset(overlong, 'a', sizeof overlong);
    overlong[sizeof overlong - 1] = '\0';
    CU_ASSERT_FALSE(safe_name(overlong));
}

static void test_paths_are_absolute_and_canonical(void) {
    CU_ASSERT_TRUE(safe_name_path("/usr"));
    CU_ASSERT_TRUE(safe_name_path("/usr/src/a b\n/..c/.d"));
    static const char *const hostile[] = {"",      "/",       "usr",   "usr/a", "/usr/", "//usr",
                                          "/a//b", "/a/../b", "/a/..", "/..",   "/a/.",  "/./a"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        CU_ASSERT_FALSE(safe_name_path(hostile[i]));
}

static void test_long_paths_end_at_PATH_MAX(void) {
    static char path[PATH_MAX + 1];
    for (size_t i = 0; i < PATH_MAX; i++)
        path[i] = i % 2 ? 'a' : '/';
    path[PATH_MAX - 1] = '\0';
    CU_ASSERT_FALSE(safe_name_path(path)); /* it ends with a slash */
    path[PATH_MAX - 2] = '\0';
    CU_ASSERT_TRUE(safe_name_path(path));
    memcpy(path + PATH_MAX - 2, "aa", 3);
    CU_ASSERT_FALSE(safe_name_path(path));
    memset(path + 1, 'a', NAME_MAX + 1);
    CU_ASSERT_FALSE(safe_name_path(path)); /* a component longer than any file system's */
}

static void test_digests_are_64_lower_case_digits(void) {
    char text[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    CU_ASSERT_TRUE(safe_name_sha256(text));
    text[3] = 'A';
    CU_ASSERT_FALSE(safe_name_sha256(text));
    CU_ASSERT_FALSE(safe_name_sha256(text + 4));
    CU_ASSERT_FALSE(safe_name_sha256(""));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"names of real things pass", test_names_of_real_things_pass},
        {"a name never leaves its folder", test_a_name_never_leaves_its_folder},
        {"paths are absolute and canonical", test_paths_are_absolute_and_canonical},
        {"long paths end at PATH_MAX", test_long_paths_end_at_PATH_MAX},
        {"digests are 64 lower-case digits", test_digests_are_64_lower_case_digits},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "safe_name", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
