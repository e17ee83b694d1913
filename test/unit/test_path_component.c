#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>

#include "test/unit/run_suites.h"

#include "kmod/system/path_component.h"

static void test_real_names(void) {
    static const char *const names[] = {
        "6.1.0-47-cloud-amd64",
        "5.14.0-427.el9.x86_64+debug",
        "nvidia-current-open",
        "1:535.261.03-1~deb12u1",
        "535.261.03",
        "x86_64",
        "_private",
        "a@b=c",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        CU_ASSERT_EQUAL(path_component_check(names[i], "name", NULL), 0);
}

static void test_hostile_names(void) {
    static const char *const names[] = {
        "",    ".",    "..", "../x",  "a/b",  "/",    "-rf",   ".hidden",
        "a b", "a\nb", "a*", "$(id)", "\xff", "a\\b", "~root", "+x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct error err = {0};
        CU_ASSERT_EQUAL(path_component_check(names[i], "kernel release", &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the kernel release"));
    }
}

static void test_length(void) {
    char name[202];
    memset(name, 'a', sizeof name);
    name[200] = '\0';
    CU_ASSERT_EQUAL(path_component_check(name, "name", NULL), 0);
    name[200] = 'a';
    name[201] = '\0';
    CU_ASSERT_EQUAL(path_component_check(name, "name", NULL), -EINVAL);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"real names", test_real_names},
        {"hostile names", test_hostile_names},
        {"length", test_length},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "path component", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
