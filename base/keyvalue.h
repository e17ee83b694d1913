/* Files of `key=value` lines: marker, os-release, kernel configurations. */
#ifndef BASE_KEYVALUE_H
#define BASE_KEYVALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strlist.h"

struct keyvalue {
    struct strlist keys;
    struct strlist values; /* values.items[i] belongs to keys.items[i] */
};

/*
 * Parses `size` bytes of text (NULL when there are none). Blank lines and lines that begin with '#'
 * are passed over, white space around the key is not allowed. A value in matching single or double
 * quotes loses them. −EBADMSG (ERROR_DAMAGED) with the line's number: a NUL byte, a line without
 * '=', an empty key, a line longer than 1 MiB, a key that is there twice with `unique`.
 */
int keyvalue_parse(const char *text, size_t size, const char *name, bool unique,
                   struct keyvalue *out, struct error *err) MUST_CHECK;

/* The value of `key` (the last one when there are several), or NULL. */
const char *keyvalue_get(const struct keyvalue *values, const char *key);

void keyvalue_release(struct keyvalue *values);
#define AUTO_KEYVALUE AUTO(keyvalue_release)

#endif
