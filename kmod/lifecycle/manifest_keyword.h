/* The keywords of one manifest line: `type=file mode=0644 …`. */
#ifndef KMOD_MANIFEST_KEYWORD_H
#define KMOD_MANIFEST_KEYWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "kmod/lifecycle/manifest.h"

/* Where a keyword's value goes; a link's target has its own room. */
struct manifest_keyword_value {
    struct manifest_entry *entry;
    char *target;
    size_t target_capacity;
};

/*
 * Takes one `keyword=value`. `seen` collects which keywords the line has had. Returns NULL, or what
 * is wrong with it: unknown, repeated, not a value of that keyword.
 */
const char *manifest_keyword_take(const char *word, const struct manifest_keyword_value *value,
                                  unsigned *seen) MUST_CHECK;

/* Whether a line with these keywords is a parent only (nothing but type=dir). */
bool manifest_keyword_is_parent(const struct manifest_entry *entry, unsigned seen);

/* Whether the line has exactly the keywords of its type. */
bool manifest_keyword_complete(const struct manifest_entry *entry, unsigned seen);

#endif
