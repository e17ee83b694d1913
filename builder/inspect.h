/* All that a module file says of itself, as one JSON value. */
#ifndef BUILDER_INSPECT_H
#define BUILDER_INSPECT_H

#include <jansson.h>

#include "base/error.h"
#include "kmod/module/module_file.h"

/*
 * An object with: file, compression, size (unpacked), machine, modinfo (an array of
 * [key, value] in the file's order), build_id, signature (null, or signer, key_id, hash, size),
 * sections (name, size), imports (symbol, crc or null, weak), exports (symbol, crc or null,
 * gpl_only, namespace). The caller owns `*value`. ERROR_DAMAGED when the file is broken.
 */
int inspect_module(const struct module_file *file, json_t **value, struct error *err) MUST_CHECK;

#endif
