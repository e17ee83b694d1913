#include "kmod/module/token_uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME "pkcs11:"

/*
 *     pkcs11:token=T;object=O;type=private?pin-source=file:/F&module-name=M
 */
#define SEPARATORS ":;?&"

bool token_uri_is(const char *key) {
    return strncmp(key, SCHEME, strlen(SCHEME)) == 0;
}

/* Where the value of attribute `name` ("pin-value=") begins, or NULL. */
static const char *find_value(const char *uri, const char *name) {
    for (const char *at = uri; (at = strpbrk(at, SEPARATORS)); at++)
        if (strncmp(at + 1, name, strlen(name)) == 0)
            return at + 1 + strlen(name);
    return NULL;
}

static int hex_digit(char digit) {
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)(at - digits) % 16 : -1;
}

/* In place: "%31" is "1". */
static void decode(char *text) {
    char *to = text;
    for (const char *from = text; *from; to++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        *to = low >= 0 ? (char)(16 * high + low) : *from;
        from += low >= 0 ? 3 : 1;
    }
    *to = '\0';
}

/* The URI without its bytes from `begin` to `end`, an attribute, and without one separator of it.
 */
static char *without(const char *uri, const char *begin, const char *end) {
    bool first = begin[-1] == ':' || begin[-1] == '?';
    bool more = *end == ';' || *end == '&';
    if (first && more)
        end++;
    else if (begin[-1] != ':')
        begin--;
    char *clean = NULL;
    return asprintf(&clean, "%.*s%s", (int)(begin - uri), uri, end) < 0 ? NULL : clean;
}

int token_uri_take_pin(const char *uri, char **clean, struct secret *pin) {
    static const char name[] = "pin-value=";
    const char *value = find_value(uri, name);
    const char *end = value ? value + strcspn(value, SEPARATORS) : NULL;
    *clean = value ? without(uri, value - strlen(name), end) : strdup(uri);
    if (!*clean || !value)
        return *clean ? 0 : -ENOMEM;
    size_t size = (size_t)(end - value);
    char *text = strndup(value, size);
    if (!text)
        return -ENOMEM;
    decode(text);
    secret_release(pin);
    *pin = (struct secret){.data = text, .size = size};
    return 0;
}

char *token_uri_with_pin_source(const char *uri, const char *path) {
    char *named = NULL;
    if (find_value(uri, "pin-source="))
        return strdup(uri);
    return asprintf(&named, "%s%cpin-source=file:%s", uri, strchr(uri, '?') ? '&' : '?', path) < 0
               ? NULL
               : named;
}
