#include "base/console.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

static struct {
    const char *program;
    bool terminal;
    bool verbose;
    bool progress_open;
} console;

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
    const char *prefix = level == LOG_LEVEL_WARNING ? "warning: " : "";
    fprintf(stderr, "%s: %s%s\n", console.program, prefix, message);
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
