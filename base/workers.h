/* Independent pieces of work on several processors at once. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <stddef.h>

#include "base/error.h"

/*
 * One piece, `index` of them; several run at a time, in threads, so a piece touches nothing but
 * what belongs to it. Returns 0 or −errno with `err` filled.
 */
typedef int (*workers_piece)(void *context, size_t index, struct error *err);

/* How many processors this process may run on, at least 1: a good number of threads. */
unsigned workers_processors(void);

/*
 * Does pieces 0 to count − 1 on at most `most` threads, the caller's included; one does it as well
 * when no more can be had. They are begun in order. After a failure or a pending signal
 * (base/interrupt.h) those under way end and no other begins; the error is that of the first piece,
 * in their order, that failed.
 */
int workers_run(size_t count, unsigned most, workers_piece piece, void *context,
                struct error *err) MUST_CHECK;

#endif
