/* Runs a command as its program would, in a child process, and keeps what it said. */
#ifndef TEST_UNIT_COMMAND_RUN_H
#define TEST_UNIT_COMMAND_RUN_H

#include "base/buffer.h"
#include "base/command.h"

struct command_outcome {
    int status; /* exit status, −1 when it did not exit */
    struct buffer output;
    struct buffer errors;
};

/* The words behind the program's name end with NULL. Uses the test's work folder. */
void command_run(const struct command *command, struct command_outcome *outcome, ...)
    __attribute__((sentinel));
void command_outcome_release(struct command_outcome *outcome);
#define AUTO_COMMAND_OUTCOME AUTO(command_outcome_release)

#endif
