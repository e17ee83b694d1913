#include "base/filter.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buffer.h"
#include "base/interrupt.h"
#include "test/unit/run_suites.h"

/* Bytes to give, a number of times. */
struct supply {
    const char *text;
    size_t times;
    int rc; /* after that: an error */
};

static struct filter *filter;
static struct error err;
static struct buffer output;

static void set_up(void) {
    err = (struct error){0};
    output = (struct buffer){0};
}

static void tear_down(void) {
    filter_close(&filter);
    buffer_release(&output);
    CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static int give(void *context, void *data, size_t size, size_t *got, struct error *reason) {
    struct supply *supply = context;
    size_t length = strlen(supply->text);
    *got = 0;
    if (supply->times == 0)
        return supply->rc ? error_set(reason, ERROR_BUSY, -supply->rc, "nothing more") : 0;
    CU_ASSERT_TRUE_FATAL(length <= size);
    memcpy(data, supply->text, length);
    *got = length;
    supply->times--;
    return 0;
}

static int run(const char *script, struct supply *supply) {
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    char chunk[100];
    size_t got = 1;
    int rc = filter_open(argv, give, supply, &filter, &err);
    while (!rc && got > 0) {
        rc = filter_read(filter, chunk, sizeof chunk, &got, &err);
        if (!rc && buffer_append(&output, chunk, got))
            rc = -ENOMEM;
    }
    return rc;
}

static void test_bytes_stream_through(void) {
    struct supply supply = {"0123456789", 100000, 0};
    CU_ASSERT_EQUAL(run("exec cat", &supply), 0);
    CU_ASSERT_EQUAL(output.size, 1000000);
    CU_ASSERT_EQUAL(memcmp(output.data + 999990, "0123456789", 10), 0);
}

static void test_empty_input_and_output(void) {
    struct supply supply = {"", 0, 0}, more = {"x", 200000, 0};
    CU_ASSERT_EQUAL(run("exec cat", &supply), 0);
    CU_ASSERT_EQUAL(output.size, 0);
    filter_close(&filter);
    CU_ASSERT_EQUAL(run("cat >/dev/null", &more), 0);
    CU_ASSERT_EQUAL(output.size, 0);
}

static void expect_failure(const char *script, size_t times, const char *words) {
    struct supply supply = {"some input\n", times, 0};
    err = (struct error){0};
    CU_ASSERT_EQUAL(run(script, &supply), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    filter_close(&filter);
}

static void test_only_a_whole_run_counts(void) {
    expect_failure("cat; exit 3", 1, "exit status 3");
    expect_failure("cat; kill -9 $$", 1, "signal 9");
    expect_failure("cat; echo trailing garbage ignored >&2", 1, "0: trailing garbage ignored");
    expect_failure("head -c 1", 100000, "exit status 0"); /* the rest is not looked at */
    /* More words than a pipe holds. */
    expect_failure("cat; head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1", 1, "xxx");
}

/* What it says may begin with blank lines, or be nothing but them. */
static void test_the_first_words_are_told(void) {
    expect_failure("cat; printf '\\n \\r\\n\\tno space\\nmore\\n' >&2; exit 1", 1,
                   "ended with exit status 1: no space");
    CU_ASSERT_PTR_NULL(strstr(err.text, "more"));
    expect_failure("cat; printf '\\n\\n' >&2; exit 1", 1, "ended with exit status 1");
    CU_ASSERT_PTR_NULL(strstr(err.text, ": "));
}

static void test_the_source_may_fail(void) {
    struct supply supply = {"some input\n", 3, -EBUSY};
    CU_ASSERT_EQUAL(run("exec cat", &supply), -EBUSY);
    CU_ASSERT_STRING_EQUAL(err.text, "nothing more");
}

static void test_a_missing_program(void) {
    static const char *const argv[] = {"/nowhere/program", NULL};
    struct supply supply = {"", 0, 0};
    CU_ASSERT_EQUAL(filter_open(argv, give, &supply, &filter, &err), -ENOENT);
    CU_ASSERT_PTR_NULL(filter);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere/program"));
}

/* One that would run on is not waited for. */
static void test_closed_early(void) {
    static const char *const argv[] = {"/bin/sh", "-c", "echo x; exec sleep 100", NULL};
    struct supply supply = {"y", 1, 0};
    char byte;
    size_t got = 0;
    time_t begun = time(NULL);
    CU_ASSERT_EQUAL(filter_open(argv, give, &supply, &filter, &err), 0);
    CU_ASSERT_EQUAL(filter_read(filter, &byte, 1, &got, &err), 0);
    CU_ASSERT_EQUAL(got, 1);
    CU_ASSERT_EQUAL(byte, 'x');
    filter_close(&filter);
    CU_ASSERT_TRUE(time(NULL) - begun < 50);
}

int main(void) {
    interrupt_install();
    CU_TestInfo tests[] = {
        {"bytes stream through", test_bytes_stream_through},
        {"empty input and output", test_empty_input_and_output},
        {"only a whole run counts", test_only_a_whole_run_counts},
        {"the first words are told", test_the_first_words_are_told},
        {"the source may fail", test_the_source_may_fail},
        {"a missing program", test_a_missing_program},
        {"closed early", test_closed_early},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "filter", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
