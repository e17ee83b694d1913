#include "toolchain/strip.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static void read_back(const char *path, struct buffer *out) {
    struct error err = {0};
    CU_ASSERT_EQUAL(file_read(&root, path, 1 << 24, out, &err), 0);
}

static void check_same(const char *a, const char *b, bool same) {
    AUTO_BUFFER struct buffer first = {0};
    AUTO_BUFFER struct buffer second = {0};
    read_back(a, &first);
    read_back(b, &second);
    CU_ASSERT_TRUE(first.size > 0);
    CU_ASSERT_EQUAL(first.size == second.size && !memcmp(first.data, second.data, first.size),
                    same);
}

static void test_the_result_is_that_of_strip(void) {
    static const char *const arguments[] = {"-g", "-c", NULL};
    struct error err = {0};
    struct stat st;
    scratch_root_compile(&root, "/module.ko", "int f(int x) { return x + 1; }\n", arguments);
    scratch_root_copy(&root, "/original.ko", scratch_root_host(&root, "/module.ko"));
    scratch_root_copy(&root, "/expected.ko", scratch_root_host(&root, "/module.ko"));
    scratch_root_run("strip", "-g", scratch_root_host(&root, "/expected.ko"), NULL);
    CU_ASSERT_EQUAL(strip_debug(scratch_root_host(&root, "/module.ko"), &err), 0);
    check_same("/module.ko", "/expected.ko", true);
    check_same("/module.ko", "/original.ko", false);
    CU_ASSERT_EQUAL(root_stat(&root, "/module.ko", &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
    CU_ASSERT_EQUAL(st.st_uid, 0);
    CU_ASSERT_FALSE(root_exists(&root, "/module.ko.stripped"));
}

static void test_what_is_no_object_stays(void) {
    struct error err = {0};
    scratch_root_write(&root, "/text.ko", "no object\n");
    CU_ASSERT_EQUAL(strip_debug(scratch_root_host(&root, "/text.ko"), &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "text.ko"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "strip"));
    AUTO_BUFFER struct buffer text = {0};
    read_back("/text.ko", &text);
    CU_ASSERT_STRING_EQUAL(buffer_string(&text), "no object\n");
}

static void test_a_link_is_not_followed(void) {
    struct error err = {0};
    scratch_root_write(&root, "/victim", "victim\n");
    scratch_root_link(&root, "/link.ko", "victim");
    CU_ASSERT_NOT_EQUAL(strip_debug(scratch_root_host(&root, "/link.ko"), &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "link.ko"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the result is that of strip", test_the_result_is_that_of_strip},
        {"what is no object stays", test_what_is_no_object_stays},
        {"a link is not followed", test_a_link_is_not_followed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "strip", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
