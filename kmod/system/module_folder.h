/* The folder of a kernel's modules, and those that dkms makes below it for what it installs. */
#ifndef KMOD_MODULE_FOLDER_H
#define KMOD_MODULE_FOLDER_H

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

/*
 * Adds to `found` those of `paths`, canonical ones, that lie in the kernel's folder. A kernel
 * without a folder has none.
 */
int module_folder_select(const struct root *root, const char *kernel, const struct strlist *paths,
                         struct strlist *found, struct error *err) MUST_CHECK;

/*
 * Removes the folder `path` ("/lib/modules/K/updates/dkms") and the ones above it, up to but not
 * /lib/modules/K, as far as they are empty folders; one that is not there counts as empty. Where
 * kernels come as rpms (Fedora, RHEL, SUSE and their relatives) the folders right below
 * /lib/modules/K are the kernel package's and stay: dkms asks rpm, which comes to the same.
 */
int module_folder_prune(const struct root *root, const char *path, struct error *err) MUST_CHECK;

/* The same for the folder that holds the file `path`. */
int module_folder_prune_above(const struct root *root, const char *path,
                              struct error *err) MUST_CHECK;

#endif
