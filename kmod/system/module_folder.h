/* The folders that dkms makes below a kernel's for the modules it installs. */
#ifndef KMOD_MODULE_FOLDER_H
#define KMOD_MODULE_FOLDER_H

#include "base/error.h"
#include "base/root.h"

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
