#include "toolchain/build_progress.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define CHUNK_SIZE (64 * 1024)

/* kbuild's short form, and the command itself as V=1 shows it. */
static bool is_compile(const char *line) {
    return strstr(line, "  CC [M] ") || strstr(line, " -c -o ");
}

static unsigned count_compiles(char *text) {
    unsigned count = 0;
    for (char *line; (line = strsep(&text, "\n"));)
        count += is_compile(line);
    return count;
}

/* Up to its last newline, so that no line is seen in two parts; all of it when there is none. */
static size_t whole_lines(const char *chunk, size_t size) {
    const char *newline = memrchr(chunk, '\n', size);
    if (newline)
        return (size_t)(newline - chunk) + 1;
    return size == CHUNK_SIZE ? size : 0;
}

void build_progress_tick(void *context) {
    struct build_progress *progress = context;
    unsigned before = progress->files;
    char chunk[CHUNK_SIZE + 1];
    for (;;) {
        ssize_t got = pread(progress->log_fd, chunk, CHUNK_SIZE, progress->read);
        size_t take = got > 0 ? whole_lines(chunk, (size_t)got) : 0;
        if (take == 0)
            break;
        chunk[take] = '\0';
        progress->files += count_compiles(chunk);
        progress->read += (off_t)take;
    }
    if (progress->files != before)
        log_progress("compiling: %u files", progress->files);
}
