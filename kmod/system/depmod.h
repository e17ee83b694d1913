/*
 * Running the real depmod for a kernel of a root, without writing in the kernel's own folder.
 *
 * depmod(8) of kmod < 31 has no --outdir. It runs with -b on a staging tree whose kernel folder
 * holds links to what the real one holds, index files aside; it follows them and writes its files
 * beside them:
 *
 *     <staging>/lib/modules/<kernel>/kernel -> <root>/lib/modules/<kernel>/kernel   …and so on
 *     <staging>/usr/lib -> ../lib            for a depmod whose module folder is below /usr
 *     <staging>/depmod.d/                    empty: stands for the configuration of a root that has
 *                                            none, as -b alone would read this machine's
 */
#ifndef KMOD_DEPMOD_H
#define KMOD_DEPMOD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

/* modules.order, modules.builtin and modules.builtin.modinfo come with the kernel: depmod reads
 * them. Every other "modules.*" is an index file. */
bool depmod_is_index_file(const char *name);

/*
 * Runs depmod into `staging`, a path inside the root that is made anew (0700). On success `folder`
 * is the path inside the root of the directory with depmod's files and `names` their names, sorted;
 * the caller frees and releases both. The root's own depmod.d folders are the configuration, umask
 * is 022. ERROR_DEPENDENCY: no depmod. ERROR_DAMAGED: it failed, with its words.
 */
int depmod_run(const struct root *root, const char *kernel, const char *staging, char **folder,
               struct strlist *names, struct error *err) MUST_CHECK;

/* Removes the staging tree; a missing one is no error. */
int depmod_discard(const struct root *root, const char *staging, struct error *err) MUST_CHECK;

#endif
