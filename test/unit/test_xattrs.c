#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "kmod/lifecycle/xattrs.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_write(&root, "/file", "x");
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* The scratch file system must have attributes: a test without them would prove nothing. */
static void set(const char *path, const char *name, const void *value, size_t size) {
    if (lsetxattr(scratch_root_host(&root, path), name, value, size, 0)) {
        fprintf(stderr, "can't set %s: %s\n", name, strerror(errno));
        CU_FAIL("the scratch file system takes no such attribute");
    }
}

static void test_values_are_read_by_name(void) {
    static const uint8_t capability[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0,
                                         0, 0, 0, 0, 0, 0,    0, 0, 0, 0};
    AUTO_XATTRS struct xattrs list = {0};
    struct error err = {0};
    set("/file", "trusted.z", "", 0);
    set("/file", "security.capability", capability, sizeof capability);
    CU_ASSERT_EQUAL(xattrs_read(&root, "/file", &list, &err), 0);
    CU_ASSERT_EQUAL(list.count, 2);
    if (list.count != 2)
        return;
    CU_ASSERT_STRING_EQUAL(list.items[0].name, "security.capability");
    CU_ASSERT_EQUAL(list.items[0].size, sizeof capability);
    CU_ASSERT_EQUAL(memcmp(list.items[0].value, capability, sizeof capability), 0);
    CU_ASSERT_STRING_EQUAL(list.items[1].name, "trusted.z");
    CU_ASSERT_EQUAL(list.items[1].size, 0);
}

static void test_a_link_is_not_followed(void) {
    AUTO_XATTRS struct xattrs of_link = {0}, of_file = {0};
    struct error err = {0};
    set("/file", "trusted.file", "f", 1);
    scratch_root_link(&root, "/link", "file");
    set("/link", "trusted.link", "l", 1);
    CU_ASSERT_EQUAL(xattrs_read(&root, "/link", &of_link, &err), 0);
    CU_ASSERT_EQUAL(of_link.count, 1);
    CU_ASSERT_STRING_EQUAL(of_link.count ? of_link.items[0].name : "", "trusted.link");
    CU_ASSERT_EQUAL(xattrs_read(&root, "/file", &of_file, &err), 0);
    CU_ASSERT_STRING_EQUAL(of_file.count ? of_file.items[0].name : "", "trusted.file");
}

static void test_none_is_an_empty_list(void) {
    AUTO_XATTRS struct xattrs list = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(xattrs_read(&root, "/file", &list, &err), 0);
    CU_ASSERT_EQUAL(list.count, 0);
}

static void test_a_missing_path_is_an_error(void) {
    AUTO_XATTRS struct xattrs list = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(xattrs_read(&root, "/missing", &list, &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/missing"));
}

static void test_too_many_are_refused(void) {
    AUTO_XATTRS struct xattrs list = {0};
    struct error err = {0};
    for (int i = 0; i <= XATTRS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "trusted.n%d", i);
        set("/file", name, "", 0);
    }
    CU_ASSERT_EQUAL(xattrs_read(&root, "/file", &list, &err), -E2BIG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"values are read by name", test_values_are_read_by_name},
        {"a link is not followed", test_a_link_is_not_followed},
        {"none is an empty list", test_none_is_an_empty_list},
        {"a missing path is an error", test_a_missing_path_is_an_error},
        {"too many are refused", test_too_many_are_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "xattrs", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
