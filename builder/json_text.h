/* Strings out of files as JSON: jansson takes valid UTF-8 alone. */
#ifndef BUILDER_JSON_TEXT_H
#define BUILDER_JSON_TEXT_H

#include <jansson.h>

#include "base/error.h"
#include "base/strlist.h"

/* The text made printable (kmod/module/printable.h), or null for NULL. NULL when out of memory. */
json_t *json_text(const char *text);

/* All texts of the list, as an array. NULL when out of memory. */
json_t *json_text_list(const struct strlist *list);

/* Prints `document` on standard output, indented, with a newline. */
int json_text_print(const json_t *document, struct error *err) MUST_CHECK;

static inline void json_text_release(json_t **value) {
    json_decref(*value);
}
#define AUTO_JSON AUTO(json_text_release)

#endif
