/* The part of a manual page that tells of commands, printed from a program's command table. */
#ifndef BASE_COMMAND_MANUAL_H
#define BASE_COMMAND_MANUAL_H

#include "base/command.h"

/* Each verb with its options, in scdoc(5)'s language. */
void command_manual(const struct command_program *program);

#endif
