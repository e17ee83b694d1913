/* A point in time as one number, for records and comparisons. */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include <stdint.h>
#include <time.h>

/*
 * Nanoseconds since the epoch of its clock. Files may have times that do not fit (before 1678,
 * after 2261): the number wraps then, and still is another for another time nearby.
 */
int64_t timestamp_ns(struct timespec time);

#endif
