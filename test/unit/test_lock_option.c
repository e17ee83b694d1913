#include "kmod/lifecycle/lock_option.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/lock.h"
#include "test/unit/run_suites.h"

static const struct command command = {.verb = "test", .options = {LOCK_OPTION}};

static int read_text(const char *text, unsigned *seconds, struct error *err) {
    struct command_call call = {.command = &command, .values = {text}};
    *seconds = 99;
    return lock_option_read(&call, seconds, err);
}

static void test_default(void) {
    unsigned seconds;
    struct error err = {0};
    CU_ASSERT_EQUAL(read_text(NULL, &seconds, &err), 0);
    CU_ASSERT_EQUAL(seconds, LOCK_WAIT_DEFAULT);
}

static void test_numbers(void) {
    static const struct {
        const char *text;
        unsigned seconds;
    } cases[] = {{"0", 0}, {"1", 1}, {"007", 7}, {"3600", 3600}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned seconds;
        struct error err = {0};
        CU_ASSERT_EQUAL(read_text(cases[i].text, &seconds, &err), 0);
        CU_ASSERT_EQUAL(seconds, cases[i].seconds);
    }
}

static void test_anything_else(void) {
    static const char *const texts[] = {
        "", "-1", "+1", " 1", "1 ", "1s", "0x10", "3601", "99999999999999999999", "ten", "1.5",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        unsigned seconds;
        struct error err = {0};
        CU_ASSERT_EQUAL(read_text(texts[i], &seconds, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--lock-wait"));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, texts[i]));
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"default", test_default},
        {"numbers", test_numbers},
        {"anything else", test_anything_else},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "lock_option", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
