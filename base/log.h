/*
 * Messages for people, through a callback that the program installs: the engine itself never
 * prints. Without a callback, messages are dropped.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/cleanup.h"

enum log_level {
    LOG_LEVEL_DETAIL,   /* shown with --verbose */
    LOG_LEVEL_PROGRESS, /* replaced by the next one on a terminal; not shown elsewhere */
    LOG_LEVEL_STEP,     /* a step begins or ends */
    LOG_LEVEL_WARNING,
};

typedef void (*log_sink)(void *context, enum log_level level, const char *message);

/* Installs the program's sink; NULL drops messages. */
void log_set_sink(log_sink sink, void *context);

void log_detail(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_progress(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_step(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
