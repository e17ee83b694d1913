/*
 * State that decides over other files is believed only from a file that nobody but root can have
 * written (DESIGN section 6).
 */
#ifndef KMOD_TRUSTED_FILE_H
#define KMOD_TRUSTED_FILE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/root.h"

/*
 * Reads `path` when it is a regular file (not a link), owned by root, with one link, not writable
 * by group or others, at most `max` bytes; else ERROR_REFUSED naming the fact that is wrong.
 * −ENOENT without a sentence when there is none. `out` gets all of it, NUL bytes included.
 */
int trusted_file_read(const struct root *root, const char *path, size_t max, struct buffer *out,
                      struct error *err) MUST_CHECK;

#endif
