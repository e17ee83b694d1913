#include "base/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/command_completion.h"
#include "base/command_help.h"
#include "base/command_manual.h"
#include "base/console.h"
#include "base/interrupt.h"

static const struct command_option root_option = {
    "root", "DIR", "act on the system in DIR instead of on this one (default /)", NULL};
static const struct command_option common_options[] = {
    {"verbose", NULL, "say more about what is done", NULL},
    {"help", NULL, "print this help", NULL},
};

/* One flat list of what a command takes: its own options, then --root, then the common ones. */
size_t command_options(const struct command *command,
                       const struct command_option *options[COMMAND_OPTIONS_MAX]) {
    size_t count = 0;
    if (command->needs & COMMAND_NEEDS_TREE)
        options[count++] = &root_option;
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name; i++)
        options[count++] = &command->options[i];
    for (size_t i = 0; i < ARRAY_SIZE(common_options); i++)
        options[count++] = &common_options[i];
    return count;
}

static int find_option(const struct command *command, const char *name, size_t length) {
    const struct command_option *options[COMMAND_OPTIONS_MAX];
    size_t count = command_options(command, options);
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i]->name) == length && !strncmp(options[i]->name, name, length))
            return (int)i;
    return -1;
}

const char *command_value(const struct command_call *call, const char *name) {
    int index = find_option(call->command, name, strlen(name));
    return index < 0 ? NULL : call->values[index];
}

bool command_given(const struct command_call *call, const char *name) {
    return command_value(call, name) != NULL;
}

static bool is_choice(const char *choices, const char *value) {
    size_t length = strlen(value);
    for (const char *at = choices; length > 0 && *at; at += *at == '|') {
        size_t word = strcspn(at, "|");
        if (word == length && !strncmp(at, value, length))
            return true;
        at += word;
    }
    return false;
}

static int usage(struct error *err, const struct command_call *call, const char *what,
                 const char *word) {
    return error_set(err, ERROR_USAGE, EINVAL, "%s%s; see '%s %s --help'", what, word,
                     call->program->name, call->command->verb);
}

const char *command_option_dashes(const struct command_option *option) {
    return strlen(option->name) == 1 ? "-" : "--";
}

static int option_usage(struct error *err, const struct command_call *call, const char *what,
                        const struct command_option *option) {
    return error_set(err, ERROR_USAGE, EINVAL, "%s%s%s; see '%s %s --help'", what,
                     command_option_dashes(option), option->name, call->program->name,
                     call->command->verb);
}

/* argv[*at] is "--name", "--name=value" or "--name value"; "-n" for a name of one letter. */
static int parse_option(struct command_call *call, int argc, char **argv, int *at,
                        struct error *err) {
    const struct command *command = call->command;
    const char *given = argv[*at];
    size_t dashes = strspn(given, "-");
    const char *word = given + dashes;
    size_t length = strcspn(word, "=");
    int index = dashes == (length == 1 ? 1 : 2) ? find_option(command, word, length) : -1;
    if (index < 0)
        return usage(err, call, "unknown option ", given);
    const struct command_option *options[COMMAND_OPTIONS_MAX];
    command_options(command, options);
    const struct command_option *option = options[index];
    const char *value = word[length] ? word + length + 1 : NULL;
    if (!option->value && value)
        return usage(err, call, "this option takes no value: ", given);
    if (option->value && !value) {
        if (*at + 1 >= argc)
            return usage(err, call, "this option needs a value: ", given);
        value = argv[++*at];
    }
    if (call->values[index] && strcmp(call->values[index], value ? value : ""))
        return option_usage(err, call, "an option is given twice with different values: ", option);
    bool even_empty = option->choices && !*option->choices;
    if (option->choices && !even_empty && !is_choice(option->choices, value))
        return error_set(err, ERROR_USAGE, EINVAL, "%s%s takes %s, not '%s'",
                         command_option_dashes(option), option->name, option->choices, value);
    if (option->value && !*value && !even_empty)
        return option_usage(err, call, "this option's value is empty: ", option);
    call->values[index] = value ? value : "";
    return 0;
}

static int parse_words(struct command_call *call, int argc, char **argv, struct error *err) {
    bool options_ended = false;
    for (int i = 2; i < argc; i++) {
        int rc = 0;
        if (!options_ended && !strcmp(argv[i], "--"))
            options_ended = true;
        else if (!options_ended && argv[i][0] == '-' && argv[i][1])
            rc = parse_option(call, argc, argv, &i, err);
        else if (!call->command->arguments)
            rc = usage(err, call, "unexpected argument ", argv[i]);
        else if (strlist_add(&call->operands, argv[i]))
            rc = error_oom(err, "reading the command line");
        if (rc)
            return rc;
    }
    return 0;
}

static int check_needs(struct command_call *call, struct error *err) {
    unsigned needs = call->command->needs;
    if ((needs & COMMAND_NEEDS_ROOT_USER) && geteuid() != 0)
        return error_set(err, ERROR_USAGE, EPERM, "'%s %s' must be run as root",
                         call->program->name, call->command->verb);
    if (!(needs & COMMAND_NEEDS_TREE))
        return 0;
    const char *root = command_value(call, "root");
    return root_open(&call->root, root ? root : "/", err);
}

static int run(struct command_call *call, int argc, char **argv, struct error *err) {
    int rc = parse_words(call, argc, argv, err);
    if (rc)
        return rc;
    if (command_given(call, "help")) {
        command_help_verb(call->program, call->command);
        return 0;
    }
    console_set_verbose(command_given(call, "verbose"));
    rc = check_needs(call, err);
    return rc ? rc : call->command->run(call, err);
}

static const struct command *find_command(const struct command_program *program, const char *verb) {
    for (const struct command *const *at = program->commands; *at; at++)
        if (!strcmp((*at)->verb, verb))
            return *at;
    return NULL;
}

/* A program whose caller closed 0, 1 or 2 must not have a file of its own land there. */
static int open_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
            return -errno;
    return 0;
}

/* What a build makes files of; true when `word` asked for it. */
static bool print_from_table(const struct command_program *program, const char *word) {
    if (!strcmp(word, "--bash-completion"))
        command_completion_bash(program);
    else if (!strcmp(word, "--manual"))
        command_manual(program);
    else
        return false;
    return true;
}

static int dispatch(const struct command_program *program, int argc, char **argv,
                    struct error *err) {
    const char *verb = argc > 1 ? argv[1] : "--help";
    if (!strcmp(verb, "--help") || !strcmp(verb, "help") || !strcmp(verb, "-h")) {
        command_help_program(program);
        return argc > 1 ? 0 : error_set(err, ERROR_USAGE, EINVAL, "name a command");
    }
    if (!strcmp(verb, "--version")) {
        printf("%s %s\n", program->name, PREBAKE_VERSION);
        return 0;
    }
    if (print_from_table(program, verb))
        return 0;
    struct command_call call = {
        .program = program, .command = find_command(program, verb), .root = ROOT_INIT};
    if (!call.command)
        return error_set(err, ERROR_USAGE, EINVAL, "unknown command '%s'; see '%s --help'", verb,
                         program->name);
    int rc = run(&call, argc, argv, err);
    strlist_release(&call.operands);
    root_close(&call.root);
    return rc;
}

int command_main(const struct command_program *program, int argc, char **argv) {
    if (open_standard_descriptors())
        return ERROR_INTERNAL;
    interrupt_install();
    console_install(program->name);
    struct error err = {0};
    int rc = dispatch(program, argc, argv, &err);
    if (fflush(stdout) || ferror(stdout))
        rc = rc ? rc : error_io(&err, EIO, "can't write to standard output");
    console_finish();
    if (rc)
        console_error(err.text[0] ? err.text : strerror(abs(rc)));
    if (rc == -EINTR && interrupt_pending())
        return 128 + interrupt_pending();
    return error_exit_status(&err, rc);
}
