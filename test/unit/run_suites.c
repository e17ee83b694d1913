#include "test/unit/run_suites.h"

#include <stdbool.h>

int run_suites(CU_SuiteInfo *suites) {
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    bool passed = CU_get_number_of_failures() == 0 && CU_get_number_of_suites_failed() == 0 &&
                  CU_get_number_of_tests_run() > 0;
    CU_cleanup_registry();
    return passed ? 0 : 1;
}
