/* The build id that a module file carries, by its section headers; no libelf is needed. */
#ifndef KMOD_MODULE_BUILD_ID_H
#define KMOD_MODULE_BUILD_ID_H

#include "base/error.h"

/*
 * Reads the build id of the uncompressed 64-bit module `fd` as lower-case hex into `build_id`; the
 * caller frees. "" when there is none to be found: a compressed module, another byte order, headers
 * that lead outside the file. Every offset and size is checked against the file. `name` is for the
 * sentence. Errors are I/O errors and −ENOMEM.
 */
int module_build_id_read(int fd, const char *name, char **build_id, struct error *err) MUST_CHECK;

#endif
