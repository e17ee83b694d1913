/*
 * A program that bytes stream through (a decompressor): what a source gives is its input, its
 * output is read as it comes. Nothing is held but a block of each. As for process_run(), the
 * environment is cleared and no shell is involved. SIGPIPE has to be ignored (interrupt_install()).
 */
#ifndef BASE_FILTER_H
#define BASE_FILTER_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Gives up to `size` bytes; *got is 0 at the end only. */
typedef int (*filter_source)(void *context, void *data, size_t size, size_t *got,
                             struct error *err);

struct filter;

/*
 * Starts argv[0], an absolute path; the array and the strings in it stay the caller's and valid.
 * The caller closes. −errno when it can't be started.
 */
int filter_open(const char *const *argv, filter_source source, void *context,
                struct filter **filter, struct error *err) MUST_CHECK;

/*
 * Up to `size` bytes of the output. *got is 0 at the end only, and the end is only what the program
 * reached with exit status 0, all of its input taken and not a word on its standard error: what
 * follows a compressed stream is passed over by some decompressors with no more than a warning.
 * Else ERROR_DAMAGED with its words. The source's errors, and −EINTR, come back as they are.
 */
int filter_read(struct filter *filter, void *data, size_t size, size_t *got,
                struct error *err) MUST_CHECK;

/* Ends the program if it still runs. */
void filter_close(struct filter **filter);
#define AUTO_FILTER AUTO(filter_close)

#endif
