#include "base/stopwatch.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <unistd.h>

#include "test/unit/run_suites.h"

static struct timespec before(long milliseconds) {
    struct timespec now = stopwatch_start();
    now.tv_sec -= milliseconds / 1000;
    now.tv_nsec -= milliseconds % 1000 * 1000000;
    return now;
}

static void test_time_that_passed(void) {
    struct timespec start = stopwatch_start();
    usleep(20000);
    unsigned passed = stopwatch_milliseconds(&start);
    CU_ASSERT_TRUE(passed >= 20 && passed < 10000);
}

/* The nanoseconds of the start are more than those of now, or less than none. */
static void test_over_a_second(void) {
    static const long passed[] = {1, 999, 1000, 1001, 61999};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        struct timespec start = before(passed[i]);
        unsigned found = stopwatch_milliseconds(&start);
        CU_ASSERT_TRUE(found >= passed[i] && found < passed[i] + 1000);
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"time that passed", test_time_that_passed},
        {"over a second", test_over_a_second},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "stopwatch", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
