#include "kmod/module/printable.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "test/unit/run_suites.h"

static bool becomes(const char *text, const char *expected) {
    AUTO_FREE char *copy = printable_copy(text);
    return copy && strcmp(copy, expected) == 0;
}

static void test_kept(void) {
    CU_ASSERT_TRUE(becomes("", ""));
    CU_ASSERT_TRUE(becomes("6.1.0 SMP mod_unload ", "6.1.0 SMP mod_unload "));
    CU_ASSERT_TRUE(becomes("J\xC3\xB6rg \xE2\x82\xAC \xF0\x9F\x90\xA7",
                           "J\xC3\xB6rg \xE2\x82\xAC \xF0\x9F\x90\xA7"));
}

static void test_escaped(void) {
    CU_ASSERT_TRUE(becomes("a\nb", "a\\x0Ab"));
    CU_ASSERT_TRUE(becomes("\x1b[2J\x7f", "\\x1B[2J\\x7F"));
    CU_ASSERT_TRUE(becomes("\xC2\x9B", "\\xC2\\x9B"));          /* a C1 control */
    CU_ASSERT_TRUE(becomes("\xFF\xC3", "\\xFF\\xC3"));          /* no UTF-8 */
    CU_ASSERT_TRUE(becomes("\xC0\xAF", "\\xC0\\xAF"));          /* '/' written too long */
    CU_ASSERT_TRUE(becomes("\xED\xA0\x80", "\\xED\\xA0\\x80")); /* a surrogate */
    CU_ASSERT_TRUE(becomes("\xE2\x80\xAE", "\\xE2\\x80\\xAE")); /* turns the line around */
    CU_ASSERT_TRUE(becomes("\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"));
}

static void test_cut(void) {
    static char text[PRINTABLE_MAX + 10];
    memset(text, 'x', sizeof(text) - 1);
    AUTO_FREE char *copy = printable_copy(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    CU_ASSERT_EQUAL(strlen(copy), PRINTABLE_MAX + 3);
    CU_ASSERT_STRING_EQUAL(copy + PRINTABLE_MAX, "...");
}

static CU_TestInfo tests[] = {
    {"text stays", test_kept},
    {"everything else is escaped", test_escaped},
    {"long text is cut", test_cut},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "printable", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
