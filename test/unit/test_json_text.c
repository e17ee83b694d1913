#include "builder/json_text.h"

#include <CUnit/Basic.h>
#include <stdbool.h>

#include "test/unit/run_suites.h"

static void test_text(void) {
    AUTO_JSON json_t *plain = json_text("J\xC3\xB6rg");
    CU_ASSERT_STRING_EQUAL(json_string_value(plain), "J\xC3\xB6rg");
    AUTO_JSON json_t *hostile = json_text("\xff\x1b[2J");
    CU_ASSERT_STRING_EQUAL(json_string_value(hostile), "\\xFF\\x1B[2J");
    AUTO_JSON json_t *none = json_text(NULL);
    CU_ASSERT_TRUE(json_is_null(none));
}

static void test_list(void) {
    AUTO_STRLIST struct strlist texts = {0};
    AUTO_JSON json_t *none = json_text_list(&texts);
    CU_ASSERT_EQUAL(json_array_size(none), 0);
    CU_ASSERT_TRUE(json_is_array(none));
    CU_ASSERT_EQUAL(strlist_add(&texts, "one"), 0);
    CU_ASSERT_EQUAL(strlist_add(&texts, "caf\xe9"), 0);
    AUTO_JSON json_t *both = json_text_list(&texts);
    CU_ASSERT_EQUAL(json_array_size(both), 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(both, 1)), "caf\\xE9");
}

static CU_TestInfo tests[] = {
    {"none of a list is lost", test_list},
    {"any bytes become a string", test_text},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "json text", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
