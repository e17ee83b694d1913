/* Replacing a file of this machine, wherever its user keeps it. */
#ifndef BUILDER_REPLACE_FILE_H
#define BUILDER_REPLACE_FILE_H

#include <stddef.h>

#include "base/error.h"

/*
 * Gives the existing regular file `path` new content: a temporary beside it, on disk, with the old
 * file's owner, mode and extended attributes (but security.ima and .evm, which vouch for the old
 * content), and read back, is renamed over it. A link is followed, and stays; of other hard links,
 * which keep the old content, a warning tells. On failure the old file is untouched and no
 * temporary is left.
 */
int replace_file(const char *path, const void *data, size_t size, struct error *err) MUST_CHECK;

#endif
