#include "kmod/module/printable.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * The length of the printable character at `bytes` (a string), or 0. RFC 3629:
 *
 *     0xxxxxxx | 110xxxxx 10xxxxxx | 1110xxxx 10… 10… | 11110xxx 10… 10… 10…
 */
static size_t character_length(const unsigned char *bytes) {
    static const uint32_t least[] = {0, 0x20, 0xA0, 0x800, 0x10000}; /* A0: no C1 controls */
    size_t length = bytes[0] < 0x80   ? 1
                    : bytes[0] < 0xC0 ? 0
                    : bytes[0] < 0xE0 ? 2
                    : bytes[0] < 0xF0 ? 3
                    : bytes[0] < 0xF8 ? 4
                                      : 0;
    if (length <= 1)
        return length == 1 && bytes[0] >= 0x20 && bytes[0] < 0x7F;
    uint32_t character = bytes[0] & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        character = character << 6 | (bytes[i] & 0x3FU);
    }
    bool surrogate = character >= 0xD800 && character <= 0xDFFF;
    bool direction = (character >= 0x200B && character <= 0x200F) ||
                     (character >= 0x2028 && character <= 0x202E) ||
                     (character >= 0x2066 && character <= 0x2069);
    return character >= least[length] && character <= 0x10FFFF && !surrogate && !direction ? length
                                                                                           : 0;
}

char *printable_copy(const char *text) {
    AUTO_BUFFER struct buffer copy = {.data = NULL};
    if (buffer_append_string(&copy, "") < 0)
        return NULL;
    const char *at = text;
    while (*at && at < text + PRINTABLE_MAX) {
        size_t length = character_length((const unsigned char *)at);
        int rc = length > 0 ? buffer_append(&copy, at, length)
                            : buffer_printf(&copy, "\\x%02X", (unsigned char)*at);
        if (rc < 0)
            return NULL;
        at += length > 0 ? length : 1;
    }
    if (*at && buffer_append_string(&copy, "...") < 0)
        return NULL;
    return (char *)STEAL(copy.data);
}
