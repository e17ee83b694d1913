#include "kmod/module/verdict.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"

static void test_facts(void) {
    struct verify_verdict verdict = {.file = strdup("m.ko")};
    const struct verdict_facts facts = {
        .check = "crc", .symbol = "a\nb", .wanted = "0x1", .found = "none", .source = "symvers"};
    CU_ASSERT_EQUAL_FATAL(verdict_add(&verdict, &facts, "it has %s", "\x1b[2J"), 0);
    CU_ASSERT_EQUAL(verdict_add(&verdict, &(struct verdict_facts){.check = "object"}, "broken"), 0);
    CU_ASSERT_EQUAL_FATAL(verdict.failure_count, 2);
    CU_ASSERT_STRING_EQUAL(verdict.failures[0].check, "crc");
    CU_ASSERT_STRING_EQUAL(verdict.failures[0].symbol, "a\\x0Ab");
    CU_ASSERT_STRING_EQUAL(verdict.failures[0].wanted, "0x1");
    CU_ASSERT_STRING_EQUAL(verdict.failures[0].found, "none");
    CU_ASSERT_STRING_EQUAL(verdict.failures[0].source, "symvers");
    CU_ASSERT_STRING_EQUAL(verdict.failures[0].text, "it has \\x1B[2J");
    CU_ASSERT_PTR_NULL(verdict.failures[1].symbol);
    verdict_release(&verdict);
    CU_ASSERT_EQUAL(verdict.failure_count, 0);
}

static void test_bounded(void) {
    struct verify_verdict verdict = {.file = NULL};
    int rc = 0;
    for (size_t i = 0; i < VERIFY_FAILURES_MAX + 5; i++)
        rc |= verdict_add(&verdict, &(struct verdict_facts){.check = "symbol"}, "%zu", i);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(verdict.failure_count, VERIFY_FAILURES_MAX);
    CU_ASSERT_EQUAL(verdict.failures_left_out, 5);
    verdict_release(&verdict);
}

static CU_TestInfo tests[] = {
    {"facts are copied and made printable", test_facts},
    {"millions of failures stay bounded", test_bounded},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "verdict", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
