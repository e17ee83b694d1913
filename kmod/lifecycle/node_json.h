/* Facts of prebake-node as JSON on standard output, "format": 1. */
#ifndef KMOD_NODE_JSON_H
#define KMOD_NODE_JSON_H

#include <jansson.h>

#include "base/error.h"

#define NODE_JSON_FORMAT 1

/* The text made printable (kmod/module/printable.h), as jansson takes valid UTF-8 alone. NULL when
 * out of memory. */
json_t *node_json_text(const char *text);

/* Prints the document on a few lines and frees it. NULL is out of memory. */
int node_json_print(json_t *document, struct error *err) MUST_CHECK;

#endif
