/* Shell completion printed from a program's command table. */
#ifndef BASE_COMMAND_COMPLETION_H
#define BASE_COMMAND_COMPLETION_H

#include "base/command.h"

/*
 * A script for bash to source: completes the verbs, the options of the verb that was typed, the
 * choices of an option that has some, and file names where files are taken.
 */
void command_completion_bash(const struct command_program *program);

#endif
