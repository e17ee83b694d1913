#include "base/console.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static struct {
    const char *program;
    bool terminal;
    bool verbose;
    bool progress_open;
} console;

/*
 * File names, archive entries and dkms.conf reach messages: a control byte of theirs must not reach
 * the terminal. In one piece, so that the lines of two programs do not mix.
 */
static void print_line(const char *prefix, const char *message) {
    AUTO_FREE char *line = NULL;
    if (asprintf(&line, "%s: %s%s", console.program, prefix, message) < 0)
        return;
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    fprintf(stderr, "%s\n", line);
}

static void show(void *context, enum log_level level, const char *message) {
    (void)context;
    if (level == LOG_LEVEL_PROGRESS) {
        if (console.terminal)
            console.progress_open = fprintf(stderr, "\r\033[K  %.76s", message) > 0;
        return;
    }
    if (level == LOG_LEVEL_DETAIL && !console.verbose)
        return;
    console_finish();
    print_line(level == LOG_LEVEL_WARNING ? "warning: " : "", message);
}

void console_install(const char *program) {
    console.program = program;
    console.terminal = isatty(STDERR_FILENO);
    log_set_sink(show, NULL);
}

void console_set_verbose(bool verbose) {
    console.verbose = verbose;
}

void console_finish(void) {
    if (console.progress_open)
        fputs("\r\033[K", stderr);
    console.progress_open = false;
}

void console_error(const char *sentence) {
    console_finish();
    print_line("", sentence);
}
