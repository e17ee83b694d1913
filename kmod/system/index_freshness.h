/* Whether a kernel's index is what depmod would write now. */
#ifndef KMOD_INDEX_FRESHNESS_H
#define KMOD_INDEX_FRESHNESS_H

#include <stdbool.h>

#include "base/error.h"
#include "kmod/system/index_store.h"

/*
 * Runs depmod into the store's staging folder, compares byte for byte and removes the folder.
 * `stale`: there is an index, and some file of it is missing or different. No index at all is not
 * a stale one: nothing in it is wrong.
 */
int index_freshness_check(const struct root *root, const char *kernel,
                          const struct index_store *paths, bool *stale,
                          struct error *err) MUST_CHECK;

/*
 * Whether `name` is a regular file in both folders (inside the root), with the same bytes. In
 * `fresh`, which is depmod's, it is there.
 */
int index_freshness_same(const struct root *root, const char *folder, const char *fresh,
                         const char *name, bool *same, struct error *err) MUST_CHECK;

#endif
