#include "base/keyvalue.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"

static struct keyvalue values;
static struct error err;

static void set_up(void) {
    values = (struct keyvalue){0};
    err = (struct error){0};
}

static void tear_down(void) {
    keyvalue_release(&values);
}

static int parse_bytes(const char *text, size_t size, bool unique) {
    tear_down();
    set_up();
    return keyvalue_parse(text, size, "/etc/os-release", unique, &values, &err);
}

static int parse(const char *text) {
    return parse_bytes(text, strlen(text), false);
}

static void check_value(const char *key, const char *expected) {
    const char *value = keyvalue_get(&values, key);
    CU_ASSERT_TRUE(value && expected ? !strcmp(value, expected) : value == expected);
}

static void check_damaged(const char *text, size_t size, bool unique, const char *fact) {
    CU_ASSERT_EQUAL(parse_bytes(text, size, unique), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/etc/os-release"));
    if (!strstr(err.text, fact))
        CU_FAIL("the sentence does not name the fact");
}

static void test_a_real_os_release(void) {
    CU_ASSERT_EQUAL(parse("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n\n# comment = no\n"
                          "ID=debian\nVERSION_ID='12'\nEMPTY=\nURL=\"https://x/?a=b\""),
                    0);
    CU_ASSERT_EQUAL(values.keys.count, 5);
    check_value("PRETTY_NAME", "Debian GNU/Linux 12 (bookworm)");
    check_value("ID", "debian");
    check_value("VERSION_ID", "12");
    check_value("EMPTY", "");
    check_value("URL", "https://x/?a=b");
    check_value("comment ", NULL);
    check_value("I", NULL);
}

static void test_nothing_is_no_error(void) {
    CU_ASSERT_EQUAL(parse_bytes(NULL, 0, true), 0);
    CU_ASSERT_EQUAL(parse("\n\n#only\n"), 0);
    CU_ASSERT_EQUAL(values.keys.count, 0);
    check_value("", NULL);
}

static void test_only_a_matching_pair_of_quotes_goes(void) {
    CU_ASSERT_EQUAL(parse("a=\"x'\nb='x\"\nc=\"\nd=\"\"\ne='\"'\nf=x\"y\"\ng= \"x\"\n"), 0);
    check_value("a", "\"x'");
    check_value("b", "'x\"");
    check_value("c", "\"");
    check_value("d", "");
    check_value("e", "\"");
    check_value("f", "x\"y\"");
    check_value("g", " \"x\"");
}

static void test_the_value_is_all_behind_the_first_equals(void) {
    CU_ASSERT_EQUAL(parse("CONFIG_X=\"a=b\"\nK==\n"), 0);
    check_value("CONFIG_X", "a=b");
    check_value("K", "=");
}

static void test_the_text_ends_where_its_size_says(void) {
    CU_ASSERT_EQUAL(parse_bytes("a=12345\nb=2\n", 4, true), 0);
    check_value("a", "12");
    check_value("b", NULL);
}

static void test_duplicates(void) {
    CU_ASSERT_EQUAL(parse("a=1\nb=2\na=3\n"), 0);
    check_value("a", "3");
    check_damaged("a=1\nb=2\na=1\n", 12, true, "line 3");
    CU_ASSERT_EQUAL(parse_bytes("a=1\nab=2\n", 9, true), 0);
}

static void test_damage_is_named_with_its_line(void) {
    check_damaged("a=1\0b=2\n", 8, false, "NUL");
    check_damaged("a=1\n\nplain\n", 11, false, "line 3");
    check_damaged("=1\n", 3, false, "line 1");
    check_damaged("a =1\n", 5, false, "no key directly before");
    check_damaged("#\n\ta=1\n", 7, false, "line 2");
    check_damaged(" a=1\n", 5, false, "line 1");
    check_damaged("a\t=1\n", 5, false, "line 1");
    check_damaged(" #x\n", 4, false, "line 1");
}

static void test_a_line_has_a_limit(void) {
    static char text[(2 << 20) + 8];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "a=1\nb=", 6);
    check_damaged(text, sizeof text - 1, true, "line 2");
    CU_ASSERT_EQUAL(parse_bytes(text, 4 + (1 << 20), true), 0);
    CU_ASSERT_EQUAL(strlen(keyvalue_get(&values, "b")), (1 << 20) - 2);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a real os release", test_a_real_os_release},
        {"nothing is no error", test_nothing_is_no_error},
        {"only a matching pair of quotes goes", test_only_a_matching_pair_of_quotes_goes},
        {"the value is all behind the first equals", test_the_value_is_all_behind_the_first_equals},
        {"the text ends where its size says", test_the_text_ends_where_its_size_says},
        {"duplicates", test_duplicates},
        {"damage is named with its line", test_damage_is_named_with_its_line},
        {"a line has a limit", test_a_line_has_a_limit},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "keyvalue", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
