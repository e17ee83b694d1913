/* How far a compile is, told by its growing log. */
#ifndef TOOLCHAIN_BUILD_PROGRESS_H
#define TOOLCHAIN_BUILD_PROGRESS_H

#include <sys/types.h>

struct build_progress {
    int log_fd; /* readable; its offset is not moved */
    off_t read; /* how far the log was looked through */
    unsigned files;
};

/*
 * Reads what the log gained and, when more files were compiled, says so by log_progress(). A
 * process_spec's tick; the context is a struct build_progress.
 */
void build_progress_tick(void *context);

#endif
