/*
 * Running the real depmod for a kernel of a root, without writing in the kernel's own folder.
 *
 * depmod(8) of kmod < 31 has no --outdir: it runs with -b on a staging tree (depmod_staging.h).
 */
#ifndef KMOD_DEPMOD_H
#define KMOD_DEPMOD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/depmod_staging.h"

/* modules.order, modules.builtin and modules.builtin.modinfo come with the kernel: depmod reads
 * them. Every other "modules.*" is an index file. */
bool depmod_is_index_file(const char *name);

/*
 * Runs depmod into `staging`, a path inside the root that is made anew (0700). On success `folder`
 * is the path inside the root of the directory with depmod's files and `names` their names, sorted;
 * the caller frees and releases both. The root's own depmod.d folders are the configuration, umask
 * is 022. ERROR_DEPENDENCY: no depmod. ERROR_DAMAGED, ERROR_NO_SPACE: it failed or did not write
 * all of its files, with its words.
 */
int depmod_run(const struct root *root, const char *kernel, const char *staging, char **folder,
               struct strlist *names, struct error *err) MUST_CHECK;

/* The same for the kernel's folder in that view (depmod_staging.h; NULL: as it is), ERROR_REFUSED
 * as depmod_staging_make(). */
int depmod_run_view(const struct root *root, const char *kernel, const char *staging,
                    const struct depmod_view *view, char **folder, struct strlist *names,
                    struct error *err) MUST_CHECK;

/* Removes the staging tree; a missing one is no error. */
int depmod_discard(const struct root *root, const char *staging, struct error *err) MUST_CHECK;

#endif
