#include "kmod/lifecycle/mtree_text.h"

#include <string.h>

#define ESCAPE_SIZE 4 /* \ooo */

static bool is_plain(unsigned char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("./_-+,:@%", byte));
}

int mtree_text_escape(struct buffer *out, const char *name) {
    for (;;) {
        size_t plain = 0;
        while (is_plain((unsigned char)name[plain]))
            plain++;
        int rc = buffer_append(out, name, plain);
        name += plain;
        if (rc || !*name)
            return rc;
        rc = buffer_printf(out, "\\%03o", (unsigned char)*name++);
        if (rc)
            return rc;
    }
}

/* The byte that the escape at `text` stands for, −1 when it is none. */
static int escaped_byte(const char *text) {
    int value = 0;
    for (int i = 1; i < ESCAPE_SIZE; i++) {
        if (text[i] < '0' || text[i] > '7')
            return -1;
        value = value * 8 + (text[i] - '0');
    }
    return value > 0 && value <= 0xff && !is_plain((unsigned char)value) ? value : -1;
}

bool mtree_text_unescape(const char *text, char *out, size_t capacity) {
    size_t size = 0;
    while (*text) {
        int byte = (unsigned char)*text;
        size_t taken = 1;
        if (byte == '\\') {
            byte = escaped_byte(text);
            taken = ESCAPE_SIZE;
        } else if (!is_plain((unsigned char)byte)) {
            return false;
        }
        if (byte < 0 || size + 1 >= capacity)
            return false;
        out[size++] = (char)byte;
        text += taken;
    }
    out[size] = '\0';
    return true;
}
