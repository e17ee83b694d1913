#include "base/command_help.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 80
#define INDENT 26

/* Prints `text` behind what already stands at `column`, wrapped at words and indented. */
static void print_wrapped(const char *text, int column) {
    if (column >= INDENT) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", INDENT - column, "");
    column = INDENT;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > INDENT && column + 1 + length > WIDTH) {
            printf("\n%*s", INDENT, "");
            column = INDENT;
        }
        if (column > INDENT)
            column += printf(" ");
        column += printf("%.*s", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void command_help_program(const struct command_program *program) {
    printf("%s - %s\n\nUsage: %s COMMAND [OPTION...]\n\nCommands:\n", program->name,
           program->purpose, program->name);
    for (const struct command *const *at = program->commands; *at; at++)
        print_wrapped((*at)->summary, printf("  %s", (*at)->verb));
    printf("\n'%s COMMAND --help' explains a command.\n", program->name);
    if (program->examples)
        printf("\nExamples:\n%s", program->examples);
    printf("\nExit status: 0 done or nothing to do; 1 internal or I/O error; 2 usage;\n"
           "3 incomplete, run again; 4 refused; 5 does not match; 6 busy; 7 damaged or\n"
           "not loadable; 8 locked; 9 no space; 10 signing policy; 11 build failed;\n"
           "13 build dependency missing; 21 no kernel headers; 77 excluded by dkms.conf.\n");
}

static void print_option(const struct command_option *option) {
    int column = printf("  --%s", option->name);
    if (option->value)
        column += printf(" %s", option->choices ? option->choices : option->value);
    print_wrapped(option->help, column);
}

void command_help_verb(const struct command_program *program, const struct command *command) {
    const struct command_option *options[COMMAND_OPTIONS_MAX];
    size_t count = command_options(command, options);
    printf("%s %s - %s\n\nUsage: %s %s [OPTION...]%s%s\n\nOptions:\n", program->name, command->verb,
           command->summary, program->name, command->verb, command->arguments ? " " : "",
           command->arguments ? command->arguments : "");
    for (size_t i = 0; i < count; i++)
        print_option(options[i]);
    if (command->details)
        printf("\n%s", command->details);
}
