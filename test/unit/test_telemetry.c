#include "base/telemetry.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"

static struct telemetry event;

static void set_up(void) {
    telemetry_begin(&event, NULL, "test");
}

static void tear_down(void) {
    telemetry_release(&event);
}

/* The line is "PREBAKE event=test v=<what `value` becomes>". */
static const char *encoded(const char *value) {
    telemetry_release(&event);
    telemetry_begin(&event, NULL, "test");
    telemetry_add(&event, "v", value);
    return telemetry_line(&event) + strlen("PREBAKE event=test v=");
}

static void test_a_whole_line(void) {
    telemetry_add(&event, "status", "cleaned");
    telemetry_add(&event, "nothing", NULL);
    telemetry_add(&event, "empty", "");
    telemetry_add_number(&event, "ms", -9223372036854775807LL - 1);
    telemetry_add_bool(&event, "skip_build", true);
    telemetry_add_bool(&event, "left", false);
    CU_ASSERT_STRING_EQUAL(telemetry_line(&event),
                           "PREBAKE event=test status=cleaned nothing= empty= "
                           "ms=-9223372036854775808 skip_build=true left=false");
}

static void test_another_tag(void) {
    telemetry_release(&event);
    telemetry_begin(&event, "AKS_GPU_PREBAKE", "teardown");
    CU_ASSERT_STRING_EQUAL(telemetry_line(&event), "AKS_GPU_PREBAKE event=teardown");
}

static void test_plain_bytes_stay(void) {
    const char *plain = "ABCXYZabcxyz0189._+:/-";
    CU_ASSERT_STRING_EQUAL(encoded(plain), plain);
}

/* Every byte that is not plain, one by one. */
static void test_every_other_byte_is_encoded(void) {
    unsigned wrong = 0;
    for (unsigned byte = 1; byte < 256; byte++) {
        char value[] = {(char)byte, '\0'}, expected[8];
        bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+:/-",
                            (int)byte) != NULL;
        snprintf(expected, sizeof expected, plain ? "%c" : "%%%02X", byte);
        wrong += strcmp(encoded(value), expected) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_no_line_is_forged(void) {
    CU_ASSERT_STRING_EQUAL(encoded("x\nPREBAKE event=teardown status=cleaned"),
                           "x%0APREBAKE%20event%3Dteardown%20status%3Dcleaned");
    CU_ASSERT_STRING_EQUAL(encoded("100%0A"), "100%250A");
    telemetry_release(&event);
    telemetry_begin(&event, "TAG\n", "a b=c");
    CU_ASSERT_STRING_EQUAL(telemetry_line(&event), "TAG%0A event=a%20b%3Dc");
}

static void test_at_most_128(void) {
    char value[200];
    memset(value, 'x', sizeof value);
    value[129] = '\0';
    CU_ASSERT_EQUAL(strlen(encoded(value)), 128);
    value[128] = '\0';
    CU_ASSERT_STRING_EQUAL(encoded(value), value);
}

/* Plain bytes before one that takes three: it is there whole or not at all. */
static void test_an_encoded_byte_is_never_cut(void) {
    for (size_t before = 124; before <= 128; before++) {
        char value[200], expected[200];
        memset(value, 'x', before);
        strcpy(value + before, " y");
        memset(expected, 'x', before);
        strcpy(expected + before, before == 124 ? "%20y" : before == 125 ? "%20" : "");
        CU_ASSERT_STRING_EQUAL(encoded(value), expected);
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a whole line", test_a_whole_line},
        {"another tag", test_another_tag},
        {"plain bytes stay", test_plain_bytes_stay},
        {"every other byte is encoded", test_every_other_byte_is_encoded},
        {"no line is forged", test_no_line_is_forged},
        {"at most 128", test_at_most_128},
        {"an encoded byte is never cut", test_an_encoded_byte_is_never_cut},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "telemetry", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
