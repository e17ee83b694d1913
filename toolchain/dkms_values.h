/*
 * What a dkms.conf set, as its evaluation printed it. The text comes from code of the source, so
 * it is parsed as strictly as any hostile file:
 *
 *     messages NUL (name NUL index NUL value NUL)… NUL
 *
 * A name is [A-Z][A-Z0-9_]*, an index decimal, a value text without control characters other than
 * tab and newline.
 */
#ifndef TOOLCHAIN_DKMS_VALUES_H
#define TOOLCHAIN_DKMS_VALUES_H

#include "base/buffer.h"
#include "base/error.h"

#define DKMS_VALUES_INDEX_MAX 255

struct dkms_value {
    const char *name;
    unsigned index;
    const char *value;
};

struct dkms_values {
    char *text; /* what all the others point into */
    const char *messages;
    struct dkms_value *items;
    size_t count;
};

/* ERROR_DAMAGED for anything but the form above, and for more than 4096 values. `name` is for the
 * sentence. */
int dkms_values_parse(const struct buffer *output, const char *name, struct dkms_values *values,
                      struct error *err) MUST_CHECK;

/* NAME[index], "" when it is not set. */
const char *dkms_values_get(const struct dkms_values *values, const char *name, unsigned index);

/* How many elements NAME has, as ${#NAME[@]} counts them. */
unsigned dkms_values_count(const struct dkms_values *values, const char *name);

void dkms_values_release(struct dkms_values *values);
#define AUTO_DKMS_VALUES AUTO(dkms_values_release)

#endif
