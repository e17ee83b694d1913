/*
 * Showing parts of one directory in another by mounts, in a private mount namespace. All return 0
 * or −errno.
 */
#ifndef TOOLCHAIN_MIRROR_H
#define TOOLCHAIN_MIRROR_H

#include <stdbool.h>

#include "base/cleanup.h"

/* Which names of a directory are shown. */
typedef bool (*mirror_filter)(const char *name);

/*
 * A detached copy of the mounts at `name` in the directory `from`; "" is the directory itself.
 * Returns its descriptor.
 */
int mirror_clone(int from, const char *name) MUST_CHECK;

/* Mounts a detached copy on `name` in `to`. */
int mirror_attach(int tree, int to, const char *name) MUST_CHECK;

/*
 * Shows `name` of the directory `from` in `to`, which does not have it yet: a link as a link, a
 * file, device or directory as a mount on a new empty one. Other types and a missing one are passed
 * over.
 */
int mirror_entry(int from, int to, const char *name) MUST_CHECK;

/* mirror_entry() for each name in `from` that the filter takes. */
int mirror_dir(int from, int to, mirror_filter take) MUST_CHECK;

#endif
