/* One JSON value of the facts file and where it stands, for sentences that name its key. */
#ifndef KMOD_FACTS_VALUE_H
#define KMOD_FACTS_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kmod/lifecycle/facts_fields.h"
#include "kmod/lifecycle/xattrs.h"

struct facts_value {
    const char *file; /* for the sentences */
    const json_t *json;
    const char *key; /* in the top object, NULL for the top itself */
    size_t number;   /* of the element when the top object has an array there, from 1; else 0 */
};

/*
 * Each takes `key` out of `object`: −EBADMSG, ERROR_DAMAGED naming it, when it is missing, of
 * another type or out of bounds. Strings are the caller's to free.
 */
int facts_value_text(const struct facts_value *object, const char *key, enum facts_text kind,
                     char **text, struct error *err) MUST_CHECK;
int facts_value_integer(const struct facts_value *object, const char *key, int64_t *number,
                        struct error *err) MUST_CHECK;
int facts_value_bool(const struct facts_value *object, const char *key, bool *value,
                     struct error *err) MUST_CHECK;
int facts_value_object(const struct facts_value *object, const char *key, struct facts_value *value,
                       struct error *err) MUST_CHECK;
int facts_value_array(const struct facts_value *object, const char *key, size_t max,
                      struct facts_value *value, struct error *err) MUST_CHECK;

/* Element `i` of an array value. */
struct facts_value facts_value_element(const struct facts_value *array, size_t i);

/* The object {"name": "hex digits", …}, which stands in `holder`, as extended attributes. */
int facts_value_xattrs(const struct facts_value *holder, const json_t *object, struct xattrs *out,
                       struct error *err) MUST_CHECK;

/* Records that `key` in `object` (NULL: the value itself) is not what belongs there. −EBADMSG. */
int facts_value_damaged(const struct facts_value *object, const char *key, struct error *err);

#endif
