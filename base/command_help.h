/* Help texts, printed from the command table. No line is wider than 80 columns. */
#ifndef BASE_COMMAND_HELP_H
#define BASE_COMMAND_HELP_H

#include "base/command.h"

/* The program's own help: purpose, verbs, examples, exit statuses. */
void command_help_program(const struct command_program *program);

/* One verb's help: usage, options, details. */
void command_help_verb(const struct command_program *program, const struct command *command);

#endif
