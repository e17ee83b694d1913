/* How every unit test program ends: it runs its suites. */
#ifndef TEST_UNIT_RUN_SUITES_H
#define TEST_UNIT_RUN_SUITES_H

#include <CUnit/Basic.h>

/*
 * Runs `suites`, which end with CU_SUITE_INFO_NULL, and says on stdout what each test gave. Returns
 * main()'s status: 0 when at least one test ran and none failed, else 1.
 */
int run_suites(CU_SuiteInfo *suites);

#endif
