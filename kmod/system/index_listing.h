/* All that a kernel's index names. */
#ifndef KMOD_INDEX_LISTING_H
#define KMOD_INDEX_LISTING_H

#include "base/root.h"
#include "base/strlist.h"

/*
 * Reads the kernel's modules.dep: `named` is how many module files it names, `gone` gets those that
 * are not there, as it names them (relative to the kernel's folder, or absolute). A kernel without
 * one has neither. ERROR_DAMAGED: a line that is none of depmod's.
 */
int index_listing_read(const struct root *root, const char *kernel, unsigned *named,
                       struct strlist *gone, struct error *err) MUST_CHECK;

#endif
