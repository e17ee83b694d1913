#include "kmod/module/token_uri.h"

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/run_suites.h"

/* "URI|PIN"; "-" for no PIN. */
static const char *taken(const char *uri) {
    static char text[256];
    AUTO_FREE char *clean = NULL;
    AUTO_SECRET struct secret pin = {0};
    if (token_uri_take_pin(uri, &clean, &pin) || (pin.data && pin.size < strlen(pin.data)))
        return "failed";
    snprintf(text, sizeof text, "%s|%s", clean, pin.data ? pin.data : "-");
    return text;
}

static void test_the_pin_goes_out(void) {
    static const char *const rows[][2] = {
        {"pkcs11:token=a;object=b", "pkcs11:token=a;object=b|-"},
        {"pkcs11:object=b?pin-value=1234", "pkcs11:object=b|1234"},
        {"pkcs11:object=b?pin-value=1234&module-name=m", "pkcs11:object=b?module-name=m|1234"},
        {"pkcs11:object=b?module-name=m&pin-value=1234", "pkcs11:object=b?module-name=m|1234"},
        {"pkcs11:object=b?a=1&pin-value=12&c=3", "pkcs11:object=b?a=1&c=3|12"},
        {"pkcs11:object=b;pin-value=12;type=private", "pkcs11:object=b;type=private|12"},
        {"pkcs11:object=b;pin-value=12", "pkcs11:object=b|12"},
        {"pkcs11:pin-value=12;object=b", "pkcs11:object=b|12"},
        {"pkcs11:pin-value=12", "pkcs11:|12"},
        {"pkcs11:?pin-value=", "pkcs11:|"},
        {"pkcs11:object=b?pin-value=%31%3a%3B2", "pkcs11:object=b|1:;2"},
        {"pkcs11:object=b?pin-value=5%zz%4", "pkcs11:object=b|5%zz%4"},
        {"pkcs11:object=my-pin-value=7", "pkcs11:object=my-pin-value=7|-"},
        {"pkcs11:object=b?pin-source=file:/f", "pkcs11:object=b?pin-source=file:/f|-"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        CU_ASSERT_STRING_EQUAL(taken(rows[i][0]), rows[i][1]);
}

static void check_source(const char *uri, const char *expected) {
    AUTO_FREE char *named = token_uri_with_pin_source(uri, "/proc/1/fd/3");
    CU_ASSERT_STRING_EQUAL(named ? named : "", expected);
}

static void test_a_source_is_named(void) {
    check_source("pkcs11:object=b", "pkcs11:object=b?pin-source=file:/proc/1/fd/3");
    check_source("pkcs11:object=b?x=y", "pkcs11:object=b?x=y&pin-source=file:/proc/1/fd/3");
    check_source("pkcs11:object=b?pin-source=/f", "pkcs11:object=b?pin-source=/f");
}

static void test_what_is_one(void) {
    CU_ASSERT_TRUE(token_uri_is("pkcs11:"));
    CU_ASSERT_TRUE(token_uri_is("pkcs11:object=b"));
    CU_ASSERT_FALSE(token_uri_is("pkcs11"));
    CU_ASSERT_FALSE(token_uri_is("/pkcs11:object"));
    CU_ASSERT_FALSE(token_uri_is(""));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the PIN goes out", test_the_pin_goes_out},
        {"a source is named", test_a_source_is_named},
        {"what is one", test_what_is_one},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "token URI", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
