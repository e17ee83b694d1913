/* Module files that a kernel's index names and that are gone. */
#ifndef KMOD_DANGLING_INDEX_H
#define KMOD_DANGLING_INDEX_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/module_table.h"

/*
 * Adds to `gone` the files of these modules that the kernel's index has and that are not there, as
 * paths inside the root. What counts is modules.dep.bin, by libkmod: modprobe reads it, and it is
 * the last file of an index to be published (module_index.h), so that one that was published in
 * part still tells. A kernel without one has nothing.
 */
int dangling_index_list(const struct root *root, const char *kernel,
                        const struct module_table *modules, struct strlist *gone,
                        struct error *err) MUST_CHECK;

#endif
