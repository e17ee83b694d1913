#include "base/stopwatch.h"

struct timespec stopwatch_start(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
}

unsigned stopwatch_milliseconds(const struct timespec *start) {
    struct timespec now = stopwatch_start();
    return (unsigned)((now.tv_sec - start->tv_sec) * 1000 +
                      (now.tv_nsec - start->tv_nsec) / 1000000);
}
