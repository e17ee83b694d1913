/* Names in mtree(5) text: vis(3) escapes, as a backslash and three octal digits. */
#ifndef KMOD_MTREE_TEXT_H
#define KMOD_MTREE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends `name`; bytes other than ASCII letters, digits and "./_-+,:@%" are escaped, so that no
 * tool takes one for a separator, a comment or a pattern. */
int mtree_text_escape(struct buffer *out, const char *name) MUST_CHECK;

/*
 * The reverse, exactly: false for a byte that mtree_text_escape() would have written otherwise, a
 * broken escape, a NUL, or a result that needs more than `capacity` bytes with its NUL.
 */
bool mtree_text_unescape(const char *text, char *out, size_t capacity) MUST_CHECK;

#endif
