#include "base/command.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

/* --- commands to try it with */

static int show(struct command_call *call, struct error *err) {
    AUTO_FREE char *operands = strlist_join(&call->operands, ",");
    const char *mode = command_value(call, "mode"), *name = command_value(call, "name");
    if (!operands)
        return error_oom(err, "showing");
    printf("name=%s mode=%s force=%d operands=%s\n", name ? name : "-", mode ? mode : "-",
           command_given(call, "force"), operands);
    return 0;
}

static int show_root(struct command_call *call, struct error *err) {
    (void)err;
    log_detail("a detail");
    log_step("a step");
    printf("root=%s/ host=%d fd=%d\n", call->root.path, call->root.is_host, call->root.fd);
    return 0;
}

static int fail(struct command_call *call, struct error *err) {
    (void)call;
    return error_set(err, ERROR_DAMAGED, EBADMSG, "the file is broken");
}

static int fail_silently(struct command_call *call, struct error *err) {
    (void)call;
    (void)err;
    return -EROFS;
}

static int be_interrupted(struct command_call *call, struct error *err) {
    (void)call;
    raise(SIGTERM);
    return interrupt_check(err);
}

#define LONG_WORDS                                                                                 \
    "a text that is much longer than a line and so has to be wrapped at its words, more than "     \
    "once and without a loss"

static const struct command show_command = {
    .verb = "show",
    .arguments = "FILE...",
    .summary = "show what was given",
    .options =
        {
            {"name", "NAME", "any text", NULL},
            {"mode", "MODE", "one of two", "fast|slow"},
            {"force", NULL, "a switch", NULL},
        },
    .run = show,
};
static const struct command root_command = {
    .verb = "root", .summary = "show the root", .needs = COMMAND_NEEDS_TREE, .run = show_root};
static const struct command owner_command = {
    .verb = "owner", .summary = "be root", .needs = COMMAND_NEEDS_ROOT_USER, .run = show};
static const struct command fail_command = {.verb = "fail", .summary = "fail", .run = fail};
static const struct command silent_command = {
    .verb = "silent", .summary = "fail", .run = fail_silently};
static const struct command interrupt_command = {
    .verb = "interrupt", .summary = "stop", .run = be_interrupted};
static const struct command long_command = {
    .verb = "a-verb-that-is-longer-than-its-column",
    .arguments = "FILE-OR-FOLDER-OR-WHATEVER... ANOTHER-LONG-ARGUMENT",
    .summary = LONG_WORDS,
    .details = "Details are in lines\nthat end anywhere. " LONG_WORDS ".\n\nA paragraph.",
    .options =
        {
            {"an-option-that-is-longer-than-its-column", "VALUE", LONG_WORDS, NULL},
            {"x", "A-VALUE-WHICH-FILLS-EXACTLY", LONG_WORDS, NULL},
            {"word", "WORD", "onewordthatislongerthanalltheroomthatthereisbesidethefirstcolumn.",
             NULL},
            {"hash", "HASH", "more choices than fit",
             "first-choice|second-choice|third-choice|fourth-choice|fifth-choice|sixth-choice"},
        },
    .run = show,
};

static const struct command *const commands[] = {
    &show_command,   &root_command,      &owner_command, &fail_command,
    &silent_command, &interrupt_command, &long_command,  NULL,
};
static const struct command_program program = {
    .name = "prog",
    .purpose = "try the table",
    .examples = "  prog show x\n",
    .commands = commands,
};

/* --- running it */

static int status;
static struct buffer output, errors;
static int (*before)(void); /* in the child, before the program begins */

static void release(void) {
    buffer_release(&output);
    buffer_release(&errors);
    before = NULL;
}

static void run_child(char **argv) {
    int argc = 0;
    while (argv[argc])
        argc++;
    if (!freopen(workdir_path("stdout"), "w", stdout) ||
        !freopen(workdir_path("stderr"), "w", stderr) || (before && before()))
        _exit(99);
    int rc = command_main(&program, argc, argv);
    fflush(NULL);
    _exit(rc);
}

static void run_words(const char *const *words) {
    buffer_release(&output);
    buffer_release(&errors);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_child((char **)words);
    int ended = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &ended, 0), pid);
    status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
    CU_ASSERT_TRUE(workdir_read("stdout", &output) && workdir_read("stderr", &errors));
}

#define RUN(...) run_words((const char *const[]){"prog", __VA_ARGS__, NULL})

static void check(int expected, const char *printed, const char *complained) {
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_STRING_EQUAL(buffer_string(&output), printed);
    CU_ASSERT_STRING_EQUAL(buffer_string(&errors), complained);
}

/* --- the tests */

static void test_options_and_operands(void) {
    RUN("show");
    check(0, "name=- mode=- force=0 operands=\n", "");
    RUN("show", "a", "--name", "some text", "b", "--mode=fast", "--force", "c");
    check(0, "name=some text mode=fast force=1 operands=a,b,c\n", "");
    RUN("show", "--name=x=y", "-", "");
    check(0, "name=x=y mode=- force=0 operands=-,\n", "");
    RUN("show", "--name", "--force");
    check(0, "name=--force mode=- force=0 operands=\n", "");
}

static void test_two_dashes_end_the_options(void) {
    RUN("show", "--force", "--", "--name", "-x", "--");
    check(0, "name=- mode=- force=1 operands=--name,-x,--\n", "");
}

static void test_one_letter_has_one_dash(void) {
    RUN(long_command.verb, "-x", "1", "a", "-x=1");
    check(0, "name=- mode=- force=0 operands=a\n", "");
    RUN(long_command.verb, "-x", "1", "-x", "2");
    CU_ASSERT_EQUAL(status, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&errors), "with different values: -x; see"));
    RUN(long_command.verb, "-x");
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&errors), "this option needs a value: -x;"));
    RUN(long_command.verb, "--x", "1");
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&errors), "unknown option --x;"));
    RUN(long_command.verb, "-word", "1");
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&errors), "unknown option -word;"));
}

static void test_unknown_words(void) {
    RUN("shew");
    check(2, "", "prog: unknown command 'shew'; see 'prog --help'\n");
    RUN("");
    check(2, "", "prog: unknown command ''; see 'prog --help'\n");
    RUN("--nonsense");
    check(2, "", "prog: unknown command '--nonsense'; see 'prog --help'\n");
    RUN("show", "--nonsense");
    check(2, "", "prog: unknown option --nonsense; see 'prog show --help'\n");
    RUN("show", "-f");
    check(2, "", "prog: unknown option -f; see 'prog show --help'\n");
    RUN("show", "--forc");
    check(2, "", "prog: unknown option --forc; see 'prog show --help'\n");
    RUN("show", "--=x");
    check(2, "", "prog: unknown option --=x; see 'prog show --help'\n");
    RUN("show", "--root", "/");
    check(2, "", "prog: unknown option --root; see 'prog show --help'\n");
    RUN("root", "operand");
    check(2, "", "prog: unexpected argument operand; see 'prog root --help'\n");
    RUN("root", "--", "--root");
    check(2, "", "prog: unexpected argument --root; see 'prog root --help'\n");
}

static void test_values(void) {
    RUN("show", "--name");
    check(2, "", "prog: this option needs a value: --name; see 'prog show --help'\n");
    RUN("show", "--name=");
    check(2, "", "prog: this option's value is empty: --name; see 'prog show --help'\n");
    RUN("show", "--name", "");
    check(2, "", "prog: this option's value is empty: --name; see 'prog show --help'\n");
    RUN("show", "--force=yes");
    check(2, "", "prog: this option takes no value: --force=yes; see 'prog show --help'\n");
}

static void test_choices(void) {
    static const char *const wrong[] = {"fas", "faster", "", "fast|slow", "|", "FAST", "slo"};
    RUN("show", "--mode", "slow");
    check(0, "name=- mode=slow force=0 operands=\n", "");
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        AUTO_BUFFER struct buffer expected = {0};
        CU_ASSERT_EQUAL(
            buffer_printf(&expected, "prog: --mode takes fast|slow, not '%s'\n", wrong[i]), 0);
        RUN("show", "--mode", wrong[i]);
        check(2, "", buffer_string(&expected));
    }
}

static void test_repeated_options(void) {
    RUN("show", "--name", "x", "--name=x", "--force", "--force");
    check(0, "name=x mode=- force=1 operands=\n", "");
    RUN("show", "--name", "x", "--name", "y");
    check(2, "",
          "prog: an option is given twice with different values: --name; see 'prog show --help'\n");
}

static void test_errors(void) {
    RUN("fail");
    check(7, "", "prog: the file is broken\n");
    RUN("silent");
    check(1, "", "prog: Read-only file system\n");
    RUN("interrupt");
    CU_ASSERT_EQUAL(status, 128 + SIGTERM);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&errors), "prog: stopped by signal 15"));
}

static void test_the_tree(void) {
    AUTO_BUFFER struct buffer expected = {0};
    RUN("root");
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&output), "root=/ host=1"));
    RUN("root", "--root", workdir_path("none"));
    CU_ASSERT_EQUAL(status, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&errors), "none: No such file"));
    CU_ASSERT_EQUAL(buffer_printf(&expected, "root=%s/ host=0", workdir_path("")), 0);
    RUN("root", "--root", workdir_path("."));
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&output), " host=0 "));
    CU_ASSERT_STRING_EQUAL(buffer_string(&errors), "prog: a step\n");
    RUN("root", "--verbose");
    CU_ASSERT_STRING_EQUAL(buffer_string(&errors), "prog: a detail\nprog: a step\n");
}

static int become_nobody(void) {
    return setuid(65534);
}

static void test_being_root(void) {
    before = become_nobody;
    RUN("owner");
    check(2, "", "prog: 'prog owner' must be run as root\n");
    RUN("owner", "--help");
    CU_ASSERT_EQUAL(status, 0);
    before = NULL;
    RUN("owner");
    check(0, "name=- mode=- force=0 operands=\n", "");
}

static int close_all(void) {
    close(0);
    close(1);
    close(2);
    return 0;
}

/* With what the caller closed, a file of ours must not become standard output. */
static int close_all_and_look(void) {
    close_all();
    char name[] = "prog", verb[] = "root";
    char *argv[] = {name, verb, NULL};
    if (command_main(&program, 2, argv) != 0)
        return 1;
    char target[64];
    for (int fd = 0; fd <= 2; fd++) {
        AUTO_FREE char *link = NULL;
        if (asprintf(&link, "/proc/self/fd/%d", fd) < 0)
            return 2;
        ssize_t size = readlink(link, target, sizeof target - 1);
        if (size != 9 || memcmp(target, "/dev/null", 9))
            return 3;
    }
    return 0;
}

static void test_closed_standard_descriptors(void) {
    before = close_all;
    RUN("root");
    check(0, "", "");
    before = close_all_and_look;
    RUN("root");
    check(0, "", "");
}

static int fill_output(void) {
    return freopen("/dev/full", "w", stdout) ? 0 : 1;
}

static void test_output_that_is_lost_is_no_success(void) {
    before = fill_output;
    static const char *const verbs[] = {"show", "--help", "--version", "help"};
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        RUN(verbs[i]);
        CU_ASSERT_EQUAL(status, 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&errors), "standard output"));
    }
    RUN("fail");
    check(7, "", "prog: the file is broken\n");
}

static void test_version(void) {
    RUN("--version");
    check(0, "prog " PREBAKE_VERSION "\n", "");
}

static void test_what_a_build_makes_files_of(void) {
    RUN("--manual");
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&output), "## show\n"));
    RUN("--bash-completion");
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&output), "complete -F _prog prog\n"));
}

static void check_lines_fit(void) {
    for (const char *line = buffer_string(&output); *line;) {
        size_t length = strcspn(line, "\n");
        if (length > 80 || (length > 0 && line[length - 1] == ' ') || line[length] != '\n') {
            fprintf(stderr, "%.*s\n", (int)length, line);
            CU_FAIL("a line is too long, ends with a space or without a newline");
        }
        line += length + (line[length] == '\n');
    }
}

/* The text's words, however they were wrapped. */
static bool has_words(const char *words) {
    AUTO_BUFFER struct buffer flat = {0};
    bool space = false;
    for (const char *at = buffer_string(&output); *at; at++) {
        bool is_space = *at == ' ' || *at == '\n';
        if (!(is_space && space) && buffer_append(&flat, is_space ? " " : at, 1))
            return false;
        space = is_space;
    }
    return strstr(buffer_string(&flat), words) != NULL;
}

static void check_program_help(int expected, const char *complained) {
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_STRING_EQUAL(buffer_string(&errors), complained);
    check_lines_fit();
    CU_ASSERT_TRUE(has_words("prog - try the table"));
    CU_ASSERT_TRUE(has_words("show show what was given"));
    CU_ASSERT_TRUE(has_words(LONG_WORDS));
    CU_ASSERT_TRUE(has_words(" prog show x"));
    CU_ASSERT_TRUE(has_words("77 excluded"));
}

static void test_help_of_the_program(void) {
    run_words((const char *const[]){"prog", NULL});
    check_program_help(2, "prog: name a command\n");
    RUN("--help");
    check_program_help(0, "");
    RUN("help");
    check_program_help(0, "");
    RUN("-h");
    check_program_help(0, "");
}

static void test_help_of_a_verb(void) {
    RUN("show", "x", "--name", "y", "--help");
    CU_ASSERT_EQUAL(status, 0);
    check_lines_fit();
    CU_ASSERT_TRUE(has_words("Usage: prog show [OPTION...] FILE..."));
    CU_ASSERT_TRUE(has_words("--name NAME any text"));
    CU_ASSERT_TRUE(has_words("--mode fast|slow one of two"));
    CU_ASSERT_TRUE(has_words("--force a switch"));
    CU_ASSERT_TRUE(has_words("--verbose say more"));
    CU_ASSERT_FALSE(has_words("--root"));
    RUN("root", "--help");
    CU_ASSERT_TRUE(has_words("--root DIR"));
}

static void test_help_with_long_texts(void) {
    RUN(long_command.verb, "--help");
    CU_ASSERT_EQUAL(status, 0);
    check_lines_fit();
    CU_ASSERT_TRUE(has_words("prog a-verb-that-is-longer-than-its-column - " LONG_WORDS));
    CU_ASSERT_TRUE(has_words("Usage: prog a-verb-that-is-longer-than-its-column [OPTION...] "
                             "FILE-OR-FOLDER-OR-WHATEVER... ANOTHER-LONG-ARGUMENT"));
    CU_ASSERT_TRUE(has_words("--an-option-that-is-longer-than-its-column VALUE " LONG_WORDS));
    CU_ASSERT_TRUE(has_words("-x A-VALUE-WHICH-FILLS-EXACTLY " LONG_WORDS));
    CU_ASSERT_TRUE(has_words("first-choice|second-choice|third-choice"));
    CU_ASSERT_TRUE(has_words("sixth-choice"));
    CU_ASSERT_TRUE(has_words("Details are in lines that end anywhere. " LONG_WORDS "."));
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&output), ".\n\nA paragraph.\n"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"options and operands", test_options_and_operands},
        {"two dashes end the options", test_two_dashes_end_the_options},
        {"One letter has one dash", test_one_letter_has_one_dash},
        {"unknown words", test_unknown_words},
        {"values", test_values},
        {"choices", test_choices},
        {"repeated options", test_repeated_options},
        {"errors", test_errors},
        {"the tree", test_the_tree},
        {"being root", test_being_root},
        {"closed standard descriptors", test_closed_standard_descriptors},
        {"output that is lost is no success", test_output_that_is_lost_is_no_success},
        {"version", test_version},
        {"what a build makes files of", test_what_a_build_makes_files_of},
        {"help of the program", test_help_of_the_program},
        {"help of a verb", test_help_of_a_verb},
        {"help with long texts", test_help_with_long_texts},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "command",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pSetUpFunc = NULL,
         .pTearDownFunc = release,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
