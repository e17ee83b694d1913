#include "base/timestamp.h"

#include <CUnit/Basic.h>
#include <stddef.h>

#include "test/unit/run_suites.h"

static void test_nanoseconds(void) {
    CU_ASSERT_EQUAL(timestamp_ns((struct timespec){0}), 0);
    CU_ASSERT_EQUAL(timestamp_ns((struct timespec){.tv_sec = 1700000000, .tv_nsec = 123456789}),
                    INT64_C(1700000000123456789));
    CU_ASSERT_EQUAL(timestamp_ns((struct timespec){.tv_sec = -1, .tv_nsec = 999999999}), -1);
}

/* A file may be of any year (touch -d @9000000000000000); overflow is no undefined behaviour. */
static void test_far_away(void) {
    static const time_t seconds[] = {10000000000, -10000000000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct timespec time = {.tv_sec = seconds[i]}, later = {.tv_sec = seconds[i], .tv_nsec = 1};
        CU_ASSERT_EQUAL(timestamp_ns(time), timestamp_ns(time));
        CU_ASSERT_NOT_EQUAL(timestamp_ns(time), timestamp_ns(later));
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nanoseconds", test_nanoseconds},
        {"far away", test_far_away},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "timestamp", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
