/* What a module file says of its own version, read by libkmod: compressed files too. */
#ifndef KMOD_MODULE_VERSION_H
#define KMOD_MODULE_VERSION_H

#include "base/error.h"
#include "base/root.h"

/*
 * The `version=` of the .modinfo of the file `path`, a regular file inside the root; the caller
 * frees. "" when it has none, or when this machine's libkmod can't read the file: not a module, or
 * compressed in a way that it was built without (Debian's reads no .ko.gz). ERROR_INTERNAL for
 * failed reads.
 */
int module_version_read(const struct root *root, const char *path, char **version,
                        struct error *err) MUST_CHECK;

#endif
