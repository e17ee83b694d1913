/* `prebake verify` against the real headers of a Debian kernel. */
#include "builder/cmd_verify.h"

#include <CUnit/Basic.h>
#include <jansson.h>
#include <string.h>

#include "test/unit/command_run.h"
#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define KERNEL "6.1.0-47-cloud-amd64"
#define VERMAGIC KERNEL " SMP preempt mod_unload modversions "

/* good.ko is for the kernel, other.ko for another one. */
static int open_suite(void) {
    const struct module_fixture good = {
        .file = "good.ko", .modinfo = {"name=good", "license=GPL", "vermagic=" VERMAGIC}};
    const struct module_fixture other = {.file = "other.ko"};
    AUTO_MODULE_FILE struct module_file first = {.name = NULL};
    AUTO_MODULE_FILE struct module_file second = {.name = NULL};
    return workdir_open() || !module_fixture_make(&good, &first) ||
           !module_fixture_make(&other, &second);
}

static void test_loads(void) {
    AUTO_COMMAND_OUTCOME struct command_outcome outcome;
    command_run(&cmd_verify, &outcome, "--kernel", KERNEL, workdir_path("good.ko"), NULL);
    CU_ASSERT_EQUAL(outcome.status, 0);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buffer_string(&outcome.output), "good.ko: will load on " KERNEL "\n"));
    CU_ASSERT_STRING_EQUAL(buffer_string(&outcome.errors), "");
}

static void test_fails(void) {
    AUTO_COMMAND_OUTCOME struct command_outcome outcome;
    CU_ASSERT_TRUE(workdir_write("text.ko", "text", 4));
    command_run(&cmd_verify, &outcome, "--kernel", KERNEL, workdir_path("good.ko"),
                workdir_path("other.ko"), workdir_path("text.ko"), NULL);
    CU_ASSERT_EQUAL(outcome.status, ERROR_DAMAGED);
    const char *text = buffer_string(&outcome.output);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "good.ko: will load on " KERNEL "\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "other.ko: will not load on " KERNEL "\n    vermagic: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "text.ko: will not load on " KERNEL "\n    file: "));
    CU_ASSERT_STRING_EQUAL(buffer_string(&outcome.errors),
                           "prebake: 2 of 3 modules will not load on " KERNEL "\n");
}

static void test_json(void) {
    AUTO_COMMAND_OUTCOME struct command_outcome outcome;
    command_run(&cmd_verify, &outcome, "--json", "--kernel", KERNEL, workdir_path("other.ko"),
                NULL);
    CU_ASSERT_EQUAL(outcome.status, ERROR_DAMAGED);
    json_t *document = json_loads(buffer_string(&outcome.output), 0, NULL);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(document, "format")), 1);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(document, "failed")), 1);
    const char *check = NULL, *wanted = NULL, *found = NULL;
    int loads = 1;
    json_t *failures = NULL;
    CU_ASSERT_EQUAL(json_unpack(document, "{s:[{s:b, s:o}]}", "modules", "loads", &loads,
                                "failures", &failures),
                    0);
    CU_ASSERT_EQUAL(json_unpack(json_array_get(failures, 0), "{s:s, s:s, s:s}", "check", &check,
                                "wanted", &wanted, "found", &found),
                    0);
    CU_ASSERT_FALSE(loads);
    CU_ASSERT_TRUE_FATAL(check && wanted && found);
    CU_ASSERT_STRING_EQUAL(check, "vermagic");
    CU_ASSERT_STRING_EQUAL(wanted, VERMAGIC);
    CU_ASSERT_STRING_EQUAL(found, FIXTURE_VERMAGIC);
    json_decref(document);
}

static void test_bad_input(void) {
    AUTO_COMMAND_OUTCOME struct command_outcome none, missing, kernel;
    command_run(&cmd_verify, &none, "--kernel", KERNEL, NULL);
    CU_ASSERT_EQUAL(none.status, ERROR_USAGE);
    command_run(&cmd_verify, &missing, "--kernel", KERNEL, workdir_path("missing.ko"), NULL);
    CU_ASSERT_EQUAL(missing.status, ERROR_USAGE);
    command_run(&cmd_verify, &kernel, "--kernel", "9.9.9-none", workdir_path("good.ko"), NULL);
    CU_ASSERT_EQUAL(kernel.status, ERROR_NO_HEADERS);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&kernel.errors), "9.9.9-none"));
}

static CU_TestInfo tests[] = {
    {"a module that loads", test_loads},
    {"modules that do not", test_fails},
    {"as JSON", test_json},
    {"bad input", test_bad_input},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "cmd verify",
         .pInitFunc = open_suite,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
