/* SIGINT and SIGTERM as a flag: the step under way finishes, the next one does not begin. */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include "base/error.h"

/* Installs the handlers. SIGPIPE and SIGXFSZ are ignored: a closed pipe and a file size limit are
 * errors and no death. */
void interrupt_install(void);

/*
 * Between the two a signal is remembered and not pending yet: for a step that takes a program or
 * several threads, and must not be left half done. −EINTR, as interrupt_check(), and nothing is
 * held when one is pending already: then the step is not to begin.
 */
int interrupt_hold(struct error *err) MUST_CHECK;
void interrupt_let(void);

/* The pending signal's number, or 0. */
int interrupt_pending(void);

/* −EINTR with a sentence when a signal is pending, else 0. */
int interrupt_check(struct error *err) MUST_CHECK;

#endif
