/* A growable run of bytes. After any append the data is followed by a NUL that `size` leaves out.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct buffer {
    uint8_t *data; /* NULL until the first append */
    size_t size;
    size_t capacity;
};

/* Each returns 0 or −ENOMEM and leaves the buffer as it was on failure. */
int buffer_append(struct buffer *buffer, const void *data, size_t size) MUST_CHECK;
int buffer_append_string(struct buffer *buffer, const char *string) MUST_CHECK;
int buffer_printf(struct buffer *buffer, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* Makes room for `extra` more bytes after `size`. */
int buffer_reserve(struct buffer *buffer, size_t extra) MUST_CHECK;

/* The content as a string; "" when empty. Owned by the buffer. */
const char *buffer_string(const struct buffer *buffer);

void buffer_release(struct buffer *buffer);

#define AUTO_BUFFER AUTO(buffer_release)

#endif
