#include "builder/cmd_inspect.h"

#include <CUnit/Basic.h>
#include <jansson.h>
#include <string.h>

#include "test/unit/command_run.h"
#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static int open_suite(void) {
    const struct module_fixture fixture = FIXTURE_GOOD;
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    return workdir_open() || !module_fixture_make(&fixture, &file) ||
           !workdir_run("zstd", "-q", "fixture.ko", NULL);
}

static void test_text(void) {
    AUTO_COMMAND_OUTCOME struct command_outcome outcome;
    command_run(&cmd_inspect, &outcome, workdir_path("fixture.ko.zst"), NULL);
    CU_ASSERT_EQUAL(outcome.status, 0);
    const char *text = buffer_string(&outcome.output);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "compression    zstd\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "vermagic       " FIXTURE_VERMAGIC "\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "build id       deadbeef\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "signature      none\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "0x0a0a0a0a   alpha\n"));
}

static void test_json(void) {
    AUTO_COMMAND_OUTCOME struct command_outcome outcome;
    command_run(&cmd_inspect, &outcome, "--json", workdir_path("fixture.ko"),
                workdir_path("fixture.ko.zst"), NULL);
    CU_ASSERT_EQUAL(outcome.status, 0);
    json_t *document = json_loads(buffer_string(&outcome.output), 0, NULL);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(document, "format")), 1);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(document, "modules")), 2);
    json_decref(document);
}

static void test_bad_input(void) {
    AUTO_COMMAND_OUTCOME struct command_outcome none, text;
    command_run(&cmd_inspect, &none, NULL);
    CU_ASSERT_EQUAL(none.status, ERROR_USAGE);
    CU_ASSERT_TRUE(workdir_write("text.ko", "text", 4));
    command_run(&cmd_inspect, &text, workdir_path("text.ko"), NULL);
    CU_ASSERT_EQUAL(text.status, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&text.errors), "text.ko"));
    CU_ASSERT_EQUAL(text.output.size, 0);
}

static CU_TestInfo tests[] = {
    {"as text", test_text},
    {"as JSON", test_json},
    {"bad input", test_bad_input},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "cmd inspect",
         .pInitFunc = open_suite,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
