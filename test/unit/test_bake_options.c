#include "builder/bake_options.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "builder/cmd_bake.h"
#include "test/unit/command_run.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static const char *or_dash(const char *text) {
    return text ? text : "-";
}

/* Stands in for the bake itself: shows what it would be asked for. */
static int show(struct command_call *call, struct error *err) {
    struct bake_options options;
    int rc = bake_options_read(call, &options, err);
    if (rc)
        return rc;
    printf(
        "source=%s kernel=%s key=%s cert=%s passphrase=%s compress=%s kind=%s compat=%s cache=%s",
        options.source, or_dash(options.kernel), or_dash(options.sign_key),
        or_dash(options.sign_cert), or_dash(options.passphrase_file), options.compress,
        options.driver_kind, or_dash(options.compat_marker), or_dash(options.cache));
    printf(" jobs=%u flags=%d%d%d%d%d%d\n", options.jobs, options.require_signature,
           options.allow_cc_mismatch, options.ignore_scripts, options.replace, options.dry_run,
           options.json);
    return 0;
}

static struct command probe;
static struct command_outcome outcome;

static void set_up(void) {
    probe = cmd_bake;
    probe.needs = COMMAND_NEEDS_NOTHING;
    probe.run = show;
    outcome = (struct command_outcome){0};
}

static void tear_down(void) {
    command_outcome_release(&outcome);
}

#define RUN(...)                                                                                   \
    (command_outcome_release(&outcome), command_run(&probe, &outcome, __VA_ARGS__, NULL))

static void check_shown(const char *expected) {
    CU_ASSERT_EQUAL(outcome.status, 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&outcome.output), expected);
    CU_ASSERT_STRING_EQUAL(buffer_string(&outcome.errors), "");
}

static void check_refused(int status, const char *fact) {
    CU_ASSERT_EQUAL(outcome.status, status);
    CU_ASSERT_STRING_EQUAL(buffer_string(&outcome.output), "");
    if (!strstr(buffer_string(&outcome.errors), fact))
        CU_FAIL("the sentence does not name the fact");
}

static void test_defaults(void) {
    char expected[256];
    RUN("--source", "x");
    snprintf(expected, sizeof expected,
             "source=x kernel=- key=- cert=- passphrase=- compress=auto kind=cuda compat=- cache=- "
             "jobs=%ld flags=000000\n",
             sysconf(_SC_NPROCESSORS_ONLN));
    check_shown(expected);
}

static void test_everything_given(void) {
    RUN("--source=x", "--kernel=6.1", "--sign-key=k", "--sign-cert=c", "--passphrase-file=p",
        "--compress=zstd", "--driver-kind=grid", "--compat-marker=/m", "--cache=d", "--jobs=3",
        "--require-signature", "--allow-cc-mismatch", "--ignore-scripts", "--replace", "--json");
    check_shown(
        "source=x kernel=6.1 key=k cert=c passphrase=p compress=zstd kind=grid compat=/m cache=d "
        "jobs=3 flags=111101\n");
    RUN("--source=x", "--jobs=1", "--dry-run");
    check_shown(
        "source=x kernel=- key=- cert=- passphrase=- compress=auto kind=cuda compat=- cache=- "
        "jobs=1 flags=000010\n");
}

static void test_a_source_is_needed(void) {
    RUN("--kernel", "6.1");
    check_refused(2, "--source is missing");
    RUN("--source", "");
    check_refused(2, "empty");
}

static void test_jobs_is_a_number(void) {
    static const char *const wrong[] = {"0",  "-1",   "+1",  " 1",  "1 ",
                                        "1x", "1025", "0x4", "1.5", "18446744073709551617"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        RUN("--source", "x", "--jobs", wrong[i]);
        check_refused(2, wrong[i]);
    }
    RUN("--source", "x", "--jobs", "1024");
    CU_ASSERT_EQUAL(outcome.status, 0);
}

static void test_key_and_certificate_go_together(void) {
    RUN("--source", "x", "--sign-key", "k");
    check_refused(2, "--sign-cert");
    RUN("--source", "x", "--sign-cert", "c");
    check_refused(2, "--sign-key");
}

static void test_a_required_signature_needs_a_key(void) {
    RUN("--source", "x", "--passphrase-file", "words");
    check_refused(2, "--passphrase-file words has no key");
    RUN("--source", "x", "--require-signature");
    check_refused(10, "--require-signature needs");
}

static void test_words_that_are_not_offered(void) {
    RUN("--source", "x", "--compress", "lzma");
    check_refused(2, "--compress takes");
    RUN("--source", "x", "--driver-kind", "cuda-12");
    check_refused(2, "--driver-kind takes");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"defaults", test_defaults},
        {"everything given", test_everything_given},
        {"a source is needed", test_a_source_is_needed},
        {"jobs is a number", test_jobs_is_a_number},
        {"key and certificate go together", test_key_and_certificate_go_together},
        {"a required signature needs a key", test_a_required_signature_needs_a_key},
        {"words that are not offered", test_words_that_are_not_offered},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "bake_options",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
