/*
 * Reading back the mtree(5) text that manifest_write.h describes, and nothing wider: it decides
 * what root removes, so what the writer never writes is refused.
 */
#ifndef KMOD_MANIFEST_READ_H
#define KMOD_MANIFEST_READ_H

#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/manifest.h"

/*
 * Reads the state folder's manifest, sorted. −ENOENT without a sentence when there is none.
 * `sha256` (may be NULL) gets the digest of its bytes, for comparison with the marker's.
 * ERROR_REFUSED: not to be trusted (trusted_file.h); a path with "..", absolute, or below something
 * that is not a directory; more than MANIFEST_ENTRIES_MAX entries. ERROR_DAMAGED with the line's
 * number: a NUL byte, an unfinished or overlong line, an unknown, repeated or missing keyword, a
 * value that is none, lines out of order or twice.
 */
int manifest_read(const struct root *root, struct manifest *manifest, char *sha256,
                  struct error *err) MUST_CHECK;

/* The same for `size` bytes of text; `name` is for the sentences. */
int manifest_parse(const char *text, size_t size, const char *name, struct manifest *manifest,
                   struct error *err) MUST_CHECK;

#endif
