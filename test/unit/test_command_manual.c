#include "base/command_manual.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "test/unit/run_suites.h"

static const struct command pack = {
    .verb = "pack",
    .arguments = "FILE...",
    .summary = "put it in",
    .details = "Of a_b and c*d\nin one line.\n\n-x begins a paragraph, as # could.\n",
    .options = {{"form", "FORM", "say\nhow", "flat|round"}, {"n", NULL, "not", NULL}},
};
static const struct command *const commands[] = {&pack, NULL};
static const struct command_program program = {.name = "packer", .commands = commands};

static const char expected[] = "## pack\n"
                               "\n"
                               "*packer pack* [_OPTION_...] _FILE..._\n"
                               "\n"
                               "\tput it in\n"
                               "\n"
                               "\tOf a\\_b and c\\*d in one line.\n"
                               "\n"
                               "\t\\-x begins a paragraph, as \\# could.\n"
                               "\n"
                               "\t*--form* _flat|round_\n"
                               "\t\tsay how\n"
                               "\n"
                               "\t*-n*\n"
                               "\t\tnot\n"
                               "\n"
                               "\t*--verbose*\n";

static void test_a_verb(void) {
    char *text = NULL;
    size_t size;
    FILE *saved = stdout, *memory = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    stdout = memory;
    command_manual(&program);
    fclose(memory);
    stdout = saved;
    CU_ASSERT_NSTRING_EQUAL(text, expected, strlen(expected));
    free(text);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a verb with its options", test_a_verb},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "command_manual", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
