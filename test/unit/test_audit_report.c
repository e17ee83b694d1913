#include "kmod/lifecycle/audit_report.h"

#include <CUnit/Basic.h>

#include "test/unit/run_suites.h"

static struct audit_report report;

static void tear_down(void) {
    audit_report_release(&report);
}

static void test_findings_stay_in_order(void) {
    audit_report_add(&report, "index", AUDIT_FACT, "6.1", "%u modules", 3u);
    audit_report_add(&report, "files", AUDIT_FOREIGN, "", "theirs");
    CU_ASSERT_EQUAL_FATAL(report.count, 2);
    CU_ASSERT_STRING_EQUAL(report.items[0].check, "index");
    CU_ASSERT_STRING_EQUAL(report.items[0].subject, "6.1");
    CU_ASSERT_STRING_EQUAL(report.items[0].text, "3 modules");
    CU_ASSERT_EQUAL(report.items[1].weight, AUDIT_FOREIGN);
    CU_ASSERT_TRUE(audit_report_has(&report, "files"));
    CU_ASSERT_FALSE(audit_report_has(&report, "loader"));
    CU_ASSERT_FALSE(report.out_of_memory);
}

static void test_the_first_misfit(void) {
    CU_ASSERT_PTR_NULL(audit_report_misfit(&report));
    audit_report_add(&report, "index", AUDIT_FACT, "", "fits");
    audit_report_add(&report, "files", AUDIT_FOREIGN, "", "theirs");
    CU_ASSERT_PTR_NULL(audit_report_misfit(&report));
    audit_report_add(&report, "loader", AUDIT_MISFIT, "", "first");
    audit_report_add(&report, "config", AUDIT_MISFIT, "", "second");
    CU_ASSERT_STRING_EQUAL(audit_report_misfit(&report)->text, "first");
}

static void test_layout_names(void) {
    CU_ASSERT_STRING_EQUAL(audit_layout_name(AUDIT_ABSENT), "absent");
    CU_ASSERT_STRING_EQUAL(audit_layout_name(AUDIT_ACTIVE), "active");
    CU_ASSERT_STRING_EQUAL(audit_layout_name(AUDIT_PARKED), "parked");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"findings stay in order", test_findings_stay_in_order},
        {"the first misfit", test_the_first_misfit},
        {"layout names", test_layout_names},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "audit report", .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
