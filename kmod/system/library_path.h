/* DT_RPATH and DT_RUNPATH: lists of folders between colons (ld.so(8)). */
#ifndef KMOD_LIBRARY_PATH_H
#define KMOD_LIBRARY_PATH_H

#include "base/error.h"
#include "base/strlist.h"

/*
 * Adds the folders of `list` (NULL is none) to `folders`. $ORIGIN and ${ORIGIN} are `origin`, the
 * folder of the object that has the list. An entry that is not absolute then, or that has another
 * token ($LIB, $PLATFORM), is passed over: what it means depends on the loader. −ENOMEM.
 */
int library_path_folders(const char *list, const char *origin, struct strlist *folders) MUST_CHECK;

#endif
