#include "base/error.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>

#include "test/unit/run_suites.h"

/* Longer than any sentence. */
static char endless[4096];

static int set_up(void) {
    memset(endless, 'x', sizeof endless - 1);
    return 0;
}

static void test_set_records_all_three(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(error_set(&err, ERROR_REFUSED, EPERM, "no %s today", "bake"), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(err.errnum, EPERM);
    CU_ASSERT_STRING_EQUAL(err.text, "no bake today");
}

static void test_io_tells_what_the_number_means(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(error_io(&err, ENOENT, "can't open %s", "/etc/x"), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_INTERNAL);
    CU_ASSERT_STRING_EQUAL(err.text, "can't open /etc/x: No such file or directory");
}

static void test_a_full_disk_is_a_kind_of_its_own(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(error_io(&err, ENOSPC, "can't write"), -ENOSPC);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_SPACE);
    CU_ASSERT_EQUAL(error_io(&err, EDQUOT, "can't write"), -EDQUOT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_SPACE);
    CU_ASSERT_EQUAL(error_oom(&err, "reading"), -ENOMEM);
    CU_ASSERT_EQUAL(err.kind, ERROR_INTERNAL);
    CU_ASSERT_STRING_EQUAL(err.text, "out of memory while reading");
}

static void test_the_reason_survives_a_long_path(void) {
    struct error err = {0};
    error_io(&err, EROFS, "can't write %s", endless);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "can't write xxx"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "xxx: Read-only file system"));
}

static void test_wrap_puts_the_context_in_front(void) {
    struct error err = {0};
    int rc = error_set(&err, ERROR_BUILD, EIO, "line %d", 7);
    CU_ASSERT_EQUAL(error_wrap(&err, rc, "compiling %s", "nvidia"), -EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "compiling nvidia: line 7");
    CU_ASSERT_EQUAL(err.kind, ERROR_BUILD);
    CU_ASSERT_EQUAL(err.errnum, EIO);
}

static void test_wrap_stays_within_its_bounds(void) {
    struct error err = {0};
    error_set(&err, ERROR_BUILD, EIO, "%s", endless);
    error_wrap(&err, -EIO, "outer");
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
    CU_ASSERT_PTR_EQUAL(strstr(err.text, "outer: xxx"), err.text);
    error_set(&err, ERROR_BUILD, EIO, "inner");
    error_wrap(&err, -EIO, "%s", endless);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
}

static void test_nobody_has_to_listen(void) {
    CU_ASSERT_EQUAL(error_set(NULL, ERROR_USAGE, EINVAL, "x"), -EINVAL);
    CU_ASSERT_EQUAL(error_io(NULL, EIO, "x"), -EIO);
    CU_ASSERT_EQUAL(error_oom(NULL, "x"), -ENOMEM);
    CU_ASSERT_EQUAL(error_wrap(NULL, -EIO, "x"), -EIO);
}

static void test_a_failure_never_exits_with_0(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(error_exit_status(&err, 0), 0);
    CU_ASSERT_EQUAL(error_exit_status(&err, -EIO), 1);
    error_set(&err, ERROR_EXCLUDED, EINVAL, "x");
    CU_ASSERT_EQUAL(error_exit_status(&err, -EINVAL), 77);
    CU_ASSERT_EQUAL(error_exit_status(&err, 0), 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"set records all three", test_set_records_all_three},
        {"io tells what the number means", test_io_tells_what_the_number_means},
        {"a full disk is a kind of its own", test_a_full_disk_is_a_kind_of_its_own},
        {"the reason survives a long path", test_the_reason_survives_a_long_path},
        {"wrap puts the context in front", test_wrap_puts_the_context_in_front},
        {"wrap stays within its bounds", test_wrap_stays_within_its_bounds},
        {"nobody has to listen", test_nobody_has_to_listen},
        {"a failure never exits with 0", test_a_failure_never_exits_with_0},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "error", .pInitFunc = set_up, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
