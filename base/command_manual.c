#include "base/command_manual.h"

#include <stdio.h>
#include <string.h>

/*
 * One paragraph, so many tabs in; its newlines are spaces. Returns what comes after it. What means
 * something to scdoc has a backslash before it.
 */
static const char *print_paragraph(const char *text, int depth) {
    printf("%.*s", depth, "\t\t\t");
    for (bool first = true; *text && strncmp(text, "\n\n", 2); text++, first = false) {
        if (*text == '\n' && !text[1])
            continue;
        if (strchr("\\*_`#|[]+", *text) || (first && strchr("-;.", *text)))
            putchar('\\');
        putchar(*text == '\n' ? ' ' : *text);
    }
    putchar('\n');
    return text + strspn(text, "\n");
}

static void print_option(const struct command_option *option) {
    printf("\n\t*%s%s*", command_option_dashes(option), option->name);
    if (option->value)
        printf(" _%s_", option->choices ? option->choices : option->value);
    putchar('\n');
    print_paragraph(option->help, 2);
}

/* An operand is in capitals: "FILE...", "NAME/VERSION". */
static void print_verb(const struct command_program *program, const struct command *command) {
    const struct command_option *options[COMMAND_OPTIONS_MAX];
    size_t count = command_options(command, options);
    printf("## %s\n\n*%s %s* [_OPTION_...]", command->verb, program->name, command->verb);
    if (command->arguments)
        printf(" _%s_", command->arguments);
    printf("\n\n");
    print_paragraph(command->summary, 1);
    for (const char *text = command->details; text && *text;) {
        putchar('\n');
        text = print_paragraph(text, 1);
    }
    for (size_t i = 0; i < count; i++)
        print_option(options[i]);
    putchar('\n');
}

void command_manual(const struct command_program *program) {
    for (const struct command *const *at = program->commands; *at; at++)
        print_verb(program, *at);
}
