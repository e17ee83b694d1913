#include "base/timestamp.h"

#define NS_PER_SECOND UINT64_C(1000000000)

int64_t timestamp_ns(struct timespec time) {
    return (int64_t)((uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec);
}
