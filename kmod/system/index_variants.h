/*
 * Making both variants of a kernel's index anew, at the end of an image's build, when the module
 * tree changed since the bake: "with" is depmod's output for the tree as it is, in place; "without"
 * its output as if the bake's modules were not there, in the store. A "without" file that would get
 * the bytes of the kept one stays the kept one: the file from before the bake.
 *
 *     tree.next noted → depmod "with" → nothing changed? done
 *       → tree forgotten, on disk → "with" in place → depmod "without" → in the store → recorded
 *       → (the caller writes the facts and syncs) → commit
 *
 * From "tree forgotten" to the commit a teardown does not switch this kernel but runs depmod, so a
 * run that is killed anywhere leaves a root that is torn down right, and the next run does the
 * rest.
 */
#ifndef KMOD_INDEX_VARIANTS_H
#define KMOD_INDEX_VARIANTS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/module_index.h"

/*
 * Brings index->kernel's variants up to date; `index` (kernel set, no files for a kernel that had
 * no variants yet) is filled anew. `ours`: the bake's module files of that kernel, canonical paths
 * inside the root. *renewed is false when all was as recorded: nothing was changed then, and no
 * commit is needed. Errors as module_index_build(); ERROR_REFUSED where one of `ours` can't be left
 * out (depmod.h).
 */
int index_variants_renew(const struct root *root, const char *store, const struct strlist *ours,
                         struct module_index *index, bool *renewed, struct error *err) MUST_CHECK;

/* Lets teardowns switch the kernel: its facts are on disk. */
int index_variants_commit(const struct root *root, const char *store, const char *kernel,
                          struct error *err) MUST_CHECK;

/* Drops from the store every kernel that is not in `kernels`. */
int index_variants_forget_others(const struct root *root, const char *store,
                                 const struct strlist *kernels, struct error *err) MUST_CHECK;

#endif
