#include "base/command_help.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 80
#define INDENT 26

/*
 * Prints `text` behind what stands at `column`, wrapped at its spaces and behind its '|', further
 * lines indented; what is longer than a line is cut. A newline in the text is a space; an empty
 * line begins a paragraph. Returns the column it ends at.
 */
static int print_wrapped(const char *text, int column, int indent) {
    bool space = column > indent;
    while (*text) {
        int length = (int)strcspn(text, " \n|");
        length += text[length] == '|';
        if (length > WIDTH - indent)
            length = WIDTH - indent;
        if (column > indent && column + space + length > WIDTH)
            column = printf("\n%*s", indent, "") - 1;
        else if (space)
            column += printf(" ");
        column += printf("%.*s", length, text);
        text += length;
        size_t skipped = strspn(text, " \n");
        space = skipped > 0;
        if (text[skipped] && !strncmp(text, "\n\n", 2)) {
            column = printf("\n\n%*s", indent, "") - 2;
            space = false;
        }
        text += skipped;
    }
    return column;
}

static void print_words(const char *text, int column, int indent) {
    print_wrapped(text, column, indent);
    putchar('\n');
}

/* Prints `text` in the second column, behind what already stands at `column` of the first. */
static void print_second(const char *text, int column) {
    if (column >= INDENT) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", INDENT - column, "");
    print_words(text, INDENT, INDENT);
}

void command_help_program(const struct command_program *program) {
    printf("%s - %s\n\nUsage: %s COMMAND [OPTION...]\n\nCommands:\n", program->name,
           program->purpose, program->name);
    for (const struct command *const *at = program->commands; *at; at++)
        print_second((*at)->summary, printf("  %s", (*at)->verb));
    printf("\n'%s COMMAND --help' explains a command.\n", program->name);
    if (program->examples)
        printf("\nExamples:\n%s", program->examples);
    printf("\nExit status: 0 done or nothing to do; 1 internal or I/O error; 2 usage;\n"
           "3 incomplete, run again; 4 refused; 5 does not match; 6 busy; 7 damaged or\n"
           "not loadable; 8 locked; 9 no space; 10 signing policy; 11 build failed;\n"
           "13 build dependency missing; 21 no kernel headers; 77 excluded by dkms.conf.\n");
}

static void print_option(const struct command_option *option) {
    int column = printf("  %s%s", command_option_dashes(option), option->name);
    if (option->value)
        column = print_wrapped(
            option->choices && *option->choices ? option->choices : option->value, column, 3);
    print_second(option->help, column);
}

void command_help_verb(const struct command_program *program, const struct command *command) {
    const struct command_option *options[COMMAND_OPTIONS_MAX];
    size_t count = command_options(command, options);
    print_words(command->summary, printf("%s %s -", program->name, command->verb), 4);
    putchar('\n');
    int column = printf("Usage: %s %s [OPTION...]", program->name, command->verb);
    if (command->arguments)
        print_wrapped(command->arguments, column, 4);
    printf("\n\nOptions:\n");
    for (size_t i = 0; i < count; i++)
        print_option(options[i]);
    if (command->details) {
        putchar('\n');
        print_words(command->details, 0, 0);
    }
}
