#include "toolchain/dkms_values.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>

#include "test/unit/run_suites.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static int parse(const char *text, size_t size, struct dkms_values *values, struct error *err) {
    AUTO_BUFFER struct buffer output = {0};
    if (buffer_append(&output, text, size))
        return -ENOMEM;
    return dkms_values_parse(&output, "x/dkms.conf", values, err);
}

static void test_values_are_found_by_name_and_index(void) {
    struct error err = {0};
    AUTO_DKMS_VALUES struct dkms_values values = {0};
    CU_ASSERT_EQUAL(parse(TEXT("said\nthis\0MAKE\0"
                               "0\0make all\0MAKE\0"
                               "7\0\0STRIP\0"
                               "0\0no\n\tmore\0\0"),
                          &values, &err),
                    0);
    CU_ASSERT_STRING_EQUAL(values.messages, "said\nthis");
    CU_ASSERT_EQUAL(values.count, 3);
    CU_ASSERT_STRING_EQUAL(dkms_values_get(&values, "MAKE", 0), "make all");
    CU_ASSERT_STRING_EQUAL(dkms_values_get(&values, "MAKE", 7), "");
    CU_ASSERT_STRING_EQUAL(dkms_values_get(&values, "MAKE", 1), "");
    CU_ASSERT_STRING_EQUAL(dkms_values_get(&values, "STRIP", 0), "no\n\tmore");
    CU_ASSERT_STRING_EQUAL(dkms_values_get(&values, "STRI", 0), "");
    CU_ASSERT_EQUAL(dkms_values_count(&values, "MAKE"), 2);
    CU_ASSERT_EQUAL(dkms_values_count(&values, "PATCH"), 0);
}

static void test_nothing_set_is_fine(void) {
    struct error err = {0};
    AUTO_DKMS_VALUES struct dkms_values values = {0};
    CU_ASSERT_EQUAL(parse(TEXT("\0\0"), &values, &err), 0);
    CU_ASSERT_EQUAL(values.count, 0);
    CU_ASSERT_STRING_EQUAL(values.messages, "");
}

static void test_messages_can_not_steer_a_terminal(void) {
    struct error err = {0};
    AUTO_DKMS_VALUES struct dkms_values values = {0};
    CU_ASSERT_EQUAL(parse(TEXT("\033[2Jhello\r\n\0\0"), &values, &err), 0);
    CU_ASSERT_STRING_EQUAL(values.messages, "?[2Jhello?\n");
}

static void test_every_other_form_is_damaged(void) {
    static const struct {
        const char *text;
        size_t size;
    } bad[] = {
        {TEXT("")},                         /* the shell ended */
        {TEXT("only messages")},            /* likewise */
        {TEXT("\0")},                       /* no end */
        {TEXT("\0MAKE\0")},                 /* no index */
        {TEXT("\0MAKE\0000\0make")},        /* cut off */
        {TEXT("\0MAKE\0000\0make\0")},      /* no end */
        {TEXT("\0MAKE\0000\0make\0\0x")},   /* more after the end */
        {TEXT("\0MAKE\0000\0make\0\0\0")},  /* likewise */
        {TEXT("\0make\0000\0make\0\0")},    /* not a directive's name */
        {TEXT("\0MA KE\0000\0make\0\0")},   /* likewise */
        {TEXT("\0_MAKE\0000\0make\0\0")},   /* likewise */
        {TEXT("\0MAKE\0-1\0make\0\0")},     /* not an index */
        {TEXT("\0MAKE\0\0make\0\0")},       /* likewise */
        {TEXT("\0MAKE\0256\0make\0\0")},    /* likewise */
        {TEXT("\0MAKE\0key\0make\0\0")},    /* an associative array's */
        {TEXT("\0MAKE\0000\0a\033[0m\0\0")} /* a control character */
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = {0};
        struct dkms_values values = {0};
        CU_ASSERT_EQUAL(parse(bad[i].text, bad[i].size, &values, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "x/dkms.conf"));
        CU_ASSERT_PTR_NULL(values.text);
    }
}

static void test_the_number_of_values_is_bounded(void) {
    AUTO_BUFFER struct buffer output = {0};
    CU_ASSERT_EQUAL(buffer_append(&output, "", 1), 0);
    for (int i = 0; i < 4097; i++)
        CU_ASSERT_EQUAL(buffer_append(&output, TEXT("X\0001\0v\0")), 0);
    CU_ASSERT_EQUAL(buffer_append(&output, "", 1), 0);
    struct error err = {0};
    struct dkms_values values = {0};
    CU_ASSERT_EQUAL(dkms_values_parse(&output, "x", &values, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "too many"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"values are found by name and index", test_values_are_found_by_name_and_index},
        {"nothing set is fine", test_nothing_set_is_fine},
        {"messages can't steer a terminal", test_messages_can_not_steer_a_terminal},
        {"every other form is damaged", test_every_other_form_is_damaged},
        {"the number of values is bounded", test_the_number_of_values_is_bounded},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "dkms_values", .pTests = tests}, CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
