#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static struct {
    log_sink sink;
    void *context;
} program;

void log_set_sink(log_sink sink, void *context) {
    program.sink = sink;
    program.context = context;
}

static void log_message(enum log_level level, const char *fmt, va_list args) {
    if (!program.sink)
        return;
    char message[1024];
    if (vsnprintf(message, sizeof message, fmt, args) >= 0)
        program.sink(program.context, level, message);
}

#define LOG_FUNCTION(function, level)                                                              \
    void function(const char *fmt, ...) {                                                          \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        log_message(level, fmt, args);                                                             \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_detail, LOG_LEVEL_DETAIL)
LOG_FUNCTION(log_progress, LOG_LEVEL_PROGRESS)
LOG_FUNCTION(log_step, LOG_LEVEL_STEP)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
