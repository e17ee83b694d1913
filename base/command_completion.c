#include "base/command_completion.h"

#include <stdio.h>
#include <string.h>

/* What the help calls a value or an operand tells what it is. */
static bool is_file(const char *value) {
    static const char *const words[] = {"FILE", "PATH", "SRC",     "KEY",
                                        "CERT", "DEB",  "PROGRAM", "BUNDLE"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strstr(value, words[i]))
            return true;
    return false;
}

/* The choices "a|b|c", as words. */
static void print_choices(const char *choices) {
    for (; *choices; choices++)
        putchar(*choices == '|' ? ' ' : *choices);
}

/* `words` are offered, or it says what readline does, or there is nothing to offer. */
static void print_value(const struct command_option *option) {
    printf("        %s%s) ", command_option_dashes(option), option->name);
    if (option->choices) {
        printf("words='");
        print_choices(option->choices);
        puts("' ;;");
    } else if (is_file(option->value)) {
        puts("compopt -o default ;;");
    } else if (!strcmp(option->value, "DIR")) {
        puts("compopt -o dirnames ;;");
    } else {
        puts(";;");
    }
}

/* An option's value when one is before the cursor, else an operand or an option. */
static void print_verb(const struct command *command) {
    const struct command_option *options[COMMAND_OPTIONS_MAX];
    size_t count = command_options(command, options);
    printf("    %s)\n        case $before in\n", command->verb);
    for (size_t i = 0; i < count; i++)
        if (options[i]->value)
            print_value(options[i]);
    printf("        *)\n            words='");
    for (size_t i = 0; i < count; i++)
        printf("%s%s%s", i ? " " : "", command_option_dashes(options[i]), options[i]->name);
    puts("'");
    if (command->arguments && (is_file(command->arguments) || strstr(command->arguments, "DIR")))
        puts("            if [[ $word != -* ]]; then words='' && compopt -o default; fi");
    puts("            ;;\n        esac\n        ;;");
}

void command_completion_bash(const struct command_program *program) {
    printf("# bash completion for %s, made from its table of commands\n", program->name);
    printf("_%s() {\n", program->name);
    puts("    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''\n"
         "    # Readline takes \"--name=value\" for three words.\n"
         "    if [[ $word == = ]]; then\n"
         "        word=''\n"
         "    elif [[ $before == = ]]; then\n"
         "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "    fi\n"
         "    ((COMP_CWORD > 1)) || before=''\n"
         "    case ${before:+${COMP_WORDS[1]}} in");
    for (const struct command *const *at = program->commands; *at; at++)
        print_verb(*at);
    printf("    '') words='");
    for (const struct command *const *at = program->commands; *at; at++)
        printf("%s ", (*at)->verb);
    puts("--help --version' ;;\n"
         "    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}");
    printf("complete -F _%s %s\n", program->name, program->name);
}
