/* Facts of prebake-node as JSON on standard output, "format": 1. */
#ifndef KMOD_NODE_JSON_H
#define KMOD_NODE_JSON_H

#include <jansson.h>

#include "base/error.h"

#define NODE_JSON_FORMAT 1

/* Prints the document on a few lines and frees it. NULL is out of memory. */
int node_json_print(json_t *document, struct error *err) MUST_CHECK;

#endif
