#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE (2UL << 20) /* of x86-64, and of arm64 with pages of 4 KiB */

/*
 * Large buffers are asked for in large pages: filling 11 MB costs 6 faults instead of 2,700, which
 * take longer than reading that much from memory. Nothing is wrong where there are none.
 */
static void *allocate(void *old, size_t capacity) {
    void *data;
    if (old || capacity < LARGE_PAGE)
        return realloc(old, capacity);
    if (posix_memalign(&data, LARGE_PAGE, capacity))
        return NULL;
    madvise(data, capacity / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
    return data;
}

int buffer_reserve(struct buffer *buffer, size_t extra) {
    size_t needed;
    if (__builtin_add_overflow(buffer->size, extra, &needed) ||
        __builtin_add_overflow(needed, 1, &needed))
        return -ENOMEM;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < needed)
        if (__builtin_mul_overflow(capacity, 2, &capacity))
            return -ENOMEM;
    uint8_t *data = allocate(buffer->data, capacity);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    buffer->data[buffer->size] = 0;
    return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size) {
    int rc = buffer_reserve(buffer, size);
    if (rc)
        return rc;
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = 0;
    return 0;
}

int buffer_append_string(struct buffer *buffer, const char *string) {
    return buffer_append(buffer, string, strlen(string));
}

int buffer_printf(struct buffer *buffer, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *text = NULL;
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    if (length < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return buffer_append(buffer, text, (size_t)length);
}

const char *buffer_string(const struct buffer *buffer) {
    return buffer->data ? (const char *)buffer->data : "";
}

void buffer_release(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}
