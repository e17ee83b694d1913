#include "kmod/system/kernel_symvers.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/scratch_root.h"

#define SYMVERS "0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, "/lib/modules/6.1");
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static int digest(char sha256[static DIGEST_HEX_SIZE]) {
    return kernel_symvers_digest(&root, "6.1", sha256, &err);
}

/* As Debian has it: an absolute link, to be followed inside the root. */
static void test_digest(void) {
    char found[DIGEST_HEX_SIZE] = "", expected[DIGEST_HEX_SIZE];
    scratch_root_write(&root, "/usr/src/linux-headers-6.1/Module.symvers", SYMVERS);
    scratch_root_link(&root, "/lib/modules/6.1/build", "/usr/src/linux-headers-6.1");
    CU_ASSERT_EQUAL(digest(found), 0);
    CU_ASSERT_EQUAL(digest_bytes(SYMVERS, strlen(SYMVERS), expected), 0);
    CU_ASSERT_STRING_EQUAL(found, expected);
}

static void check_none(void) {
    char found[DIGEST_HEX_SIZE] = "";
    CU_ASSERT_EQUAL(digest(found), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

static void test_no_headers(void) {
    check_none();
    scratch_root_link(&root, "/lib/modules/6.1/build", "/usr/src/linux-headers-6.1");
    check_none();
    scratch_root_dir(&root, "/usr/src/linux-headers-6.1");
    check_none();
}

static void test_what_is_no_file(void) {
    char found[DIGEST_HEX_SIZE] = "";
    scratch_root_dir(&root, "/lib/modules/6.1/build/Module.symvers");
    CU_ASSERT_TRUE(digest(found) < 0);
    CU_ASSERT_NOT_EQUAL(err.kind, ERROR_NONE);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"digest", test_digest},
        {"no headers", test_no_headers},
        {"what is no file", test_what_is_no_file},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "kernel_symvers",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
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
