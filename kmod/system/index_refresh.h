/* Indexes made anew by depmod, for trees that no kept variant fits. */
#ifndef KMOD_INDEX_REFRESH_H
#define KMOD_INDEX_REFRESH_H

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

/*
 * Runs depmod for each of the kernels as its tree is now and publishes its files, several kernels
 * at a time. For kernels without a bake as well; one whose folder is gone needs nothing. `without`
 * (NULL: none): as if these module files, canonical paths inside the root and of any kernel, were
 * not there; they could not be removed, and shall not be found. Leaves nothing in the store. A
 * kernel that fails is no reason to leave out the others; the error is that of the first in the
 * list. ERROR_REFUSED: a name that is no kernel release; otherwise as depmod_run().
 */
int index_refresh(const struct root *root, const struct strlist *kernels, const char *store,
                  const struct strlist *without, struct error *err) MUST_CHECK;

#endif
