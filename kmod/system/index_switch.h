/* Whether a kernel's index can be switched by renames, and back to what was before the bake. */
#ifndef KMOD_INDEX_SWITCH_H
#define KMOD_INDEX_SWITCH_H

#include <stdbool.h>

#include "base/error.h"
#include "kmod/system/index_folders.h"
#include "kmod/system/module_index.h"

/*
 * Whether every file's "without" is in place, or can be put there with nothing lost. What is
 * decided here stays decided when the run is killed and the kept files are half gone: putting back
 * makes files "back", dropping only takes kept files away; and only a tree whose index was not
 * switched yet is looked at, because the bake's modules go next.
 */
bool index_switch_possible(const struct root *root, const struct index_store *paths,
                           const struct index_folders *folders, const struct module_index *index);

/* A step of a switch: one file of the index. */
typedef int (*index_switch_step)(void *context, const struct module_index_file *file,
                                 struct error *err);

/*
 * Does `step` for each file; INDEX_DEPENDENCIES first or last: without it, or with the old one,
 * modprobe finds no module of the bake. Stops at the first failure.
 */
int index_switch_each(const struct module_index *index, bool dependencies_first,
                      index_switch_step step, void *context, struct error *err) MUST_CHECK;

#endif
