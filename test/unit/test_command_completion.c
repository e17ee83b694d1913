#include "base/command_completion.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "test/unit/run_suites.h"

static const struct command pack = {
    .verb = "pack",
    .arguments = "FILE|DIR...",
    .options = {{"form", "FORM", "", "flat|round"},
                {"from", "SRC", "", NULL},
                {"times", "N", "", NULL},
                {"n", NULL, "", NULL}},
    .needs = COMMAND_NEEDS_TREE,
};
static const struct command drop = {.verb = "drop", .arguments = "NAME/VERSION"};
static const struct command *const commands[] = {&pack, &drop, NULL};
static const struct command_program program = {.name = "pack-er", .commands = commands};

static char *script;

static void set_up(void) {
    size_t size;
    FILE *saved = stdout, *memory = open_memstream(&script, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    stdout = memory;
    command_completion_bash(&program);
    fclose(memory);
    stdout = saved;
}

static void tear_down(void) {
    free(script);
}

static void has(const char *text) {
    if (!strstr(script, text)) {
        fprintf(stderr, "not in the script: %s\n", text);
        CU_FAIL("a line is missing");
    }
}

static void test_it_is_for_the_program(void) {
    has("_pack-er() {\n");
    has("complete -F _pack-er pack-er\n");
    has("words='pack drop --help --version'");
}

static void test_options_of_a_verb(void) {
    has("    pack)\n");
    has("words='--root --form --from --times -n --verbose --help'");
    has("words='--verbose --help'");
}

static void test_values_by_their_kind(void) {
    has("--form) words='flat round' ;;\n");
    has("--from) compopt -o default ;;\n");
    has("--root) compopt -o dirnames ;;\n");
    has("--times) ;;\n");
    CU_ASSERT_PTR_NULL(strstr(script, "-n) "));
}

/* Only where they are files or folders. */
static void test_operands(void) {
    const char *first = strstr(script, "words='' && compopt -o default");
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_TRUE(first < strstr(script, "    drop)\n"));
    CU_ASSERT_PTR_NULL(strstr(first + 1, "words='' && compopt -o default"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"it is for the program", test_it_is_for_the_program},
        {"options of a verb", test_options_of_a_verb},
        {"values by their kind", test_values_by_their_kind},
        {"operands", test_operands},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "command_completion",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
