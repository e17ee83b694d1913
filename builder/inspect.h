/* All that a module file says of itself, as one JSON value. */
#ifndef BUILDER_INSPECT_H
#define BUILDER_INSPECT_H

#include <jansson.h>

#include "base/error.h"
#include "kmod/module/cms.h"
#include "kmod/module/module_file.h"

/*
 * An object with: file, compression, packing (null, or check, window, sized, size), size
 * (unpacked), machine, modinfo (an array of [key, value] in the file's order), build_id, signature
 * (null, or signer, key_id, hash, size, and valid: whether it is `signer`'s, null when that is
 * NULL), sections (name, size), imports (symbol, crc or null, weak), versions and extended_versions
 * (symbol, crc; __versions and __version_ext_*, in the file's order), exports (symbol, crc or null,
 * gpl_only, namespace). The caller owns `*value`. ERROR_DAMAGED when the file is broken.
 */
int inspect_module(const struct module_file *file, const struct cms_identity *signer,
                   json_t **value, struct error *err) MUST_CHECK;

#endif
