/*
 * Commands as data: a table of verbs, each with its options and what it needs. Parsing, the help
 * texts, the manual pages' lists and the shell completion all come from the table.
 */
#ifndef BASE_COMMAND_H
#define BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/root.h"

#define COMMAND_OPTIONS_MAX 32
#define COMMAND_EVEN_EMPTY "" /* "--name=" says that there is none */

struct command_option {
    const char *name;  /* without the dashes; one letter is written with one dash */
    const char *value; /* what the help calls its value ("DIR"), NULL for a switch */
    const char *help;
    const char *choices; /* "a|b|c": any other value is a usage error; NULL for any that is not
                            empty, COMMAND_EVEN_EMPTY for that as well */
};

/* Preconditions, checked before the command runs. */
enum command_need {
    COMMAND_NEEDS_NOTHING = 0,
    COMMAND_NEEDS_ROOT_USER = 1 << 0, /* effective uid 0 */
    COMMAND_NEEDS_TREE = 1 << 1,      /* takes --root DIR, opened for it (default /) */
};

struct command_call;
struct command_program;

struct command {
    const char *verb;
    const char *arguments; /* operands in the help ("FILE…"), NULL when it takes none */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs for its own --help, or NULL */
    unsigned needs;
    struct command_option options[COMMAND_OPTIONS_MAX]; /* ends at the first without a name */
    int (*run)(struct command_call *call, struct error *err);
};

/* One invocation: parsed, checked, ready to run. */
struct command_call {
    const struct command_program *program;
    const struct command *command;
    struct root root; /* open when the command needs a tree */
    const char *values[COMMAND_OPTIONS_MAX];
    struct strlist operands;
};

struct command_program {
    const char *name;
    const char *purpose; /* one line under the name */
    const char *examples;
    const struct command *const *commands; /* NULL-terminated */
};

/* The value given for an option ("" for a switch that is set), or NULL. */
const char *command_value(const struct command_call *call, const char *name);
bool command_given(const struct command_call *call, const char *name);

/* All that `command` takes, --root and the common options included. Returns how many. */
size_t command_options(const struct command *command,
                       const struct command_option *options[COMMAND_OPTIONS_MAX]);

/* What is written before its name: "--", or "-" for one letter. */
const char *command_option_dashes(const struct command_option *option);

/*
 * The whole of main(): parses argv, prints help or version, runs the verb, prints its error as
 * "<program>: <sentence>" on stderr. Returns the exit status. For the build, --bash-completion and
 * --manual print what is made of the table.
 */
int command_main(const struct command_program *program, int argc, char **argv);

#endif
