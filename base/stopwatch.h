/* How long something took, by the clock that nobody sets. */
#ifndef BASE_STOPWATCH_H
#define BASE_STOPWATCH_H

#include <time.h>

/* The time now. */
struct timespec stopwatch_start(void);

/* Milliseconds since `start`. */
unsigned stopwatch_milliseconds(const struct timespec *start);

#endif
