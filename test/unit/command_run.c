#include "test/unit/command_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include "test/unit/workdir.h"

#define WORDS_MAX 32

static void run_child(const struct command *command, int argc, char **argv) {
    const struct command *const commands[] = {command, NULL};
    const struct command_program program = {
        .name = "prebake", .purpose = "a test", .examples = "", .commands = commands};
    if (!freopen(workdir_path("stdout"), "w", stdout) ||
        !freopen(workdir_path("stderr"), "w", stderr))
        _exit(99);
    int status = command_main(&program, argc, argv);
    fflush(NULL);
    _exit(status);
}

void command_run(const struct command *command, struct command_outcome *outcome, ...) {
    char *argv[WORDS_MAX + 1] = {(char *)"prebake", (char *)command->verb};
    int argc = 2;
    va_list words;
    va_start(words, outcome);
    for (char *word; argc < WORDS_MAX && (word = va_arg(words, char *));)
        argv[argc++] = word;
    va_end(words);

    *outcome = (struct command_outcome){.status = -1};
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_child(command, argc, argv);
    int status;
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status))
        outcome->status = WEXITSTATUS(status);
    if (!workdir_read("stdout", &outcome->output) || !workdir_read("stderr", &outcome->errors))
        outcome->status = -1;
}

void command_outcome_release(struct command_outcome *outcome) {
    buffer_release(&outcome->output);
    buffer_release(&outcome->errors);
}
