/* Modules of a legacy image in the kernels' updates/dkms folders. */
#ifndef KMOD_LEGACY_MODULES_H
#define KMOD_LEGACY_MODULES_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/legacy_paths.h"

/* The modules of a driver, as the kernel names them; ends with NULL. Not nvidia_fs, not nvidiafb:
 * those are other people's. */
extern const char *const legacy_modules_names[];

/* The kernels that have a folder of their own (no link) in /lib/modules. */
int legacy_modules_kernels(const struct root *root, struct strlist *kernels,
                           struct error *err) MUST_CHECK;

/* Adds every `nvidia*.ko*` of every kernel's updates/dkms. */
int legacy_modules_collect(const struct root *root, const struct strlist *kernels,
                           struct legacy_paths *paths, struct error *err) MUST_CHECK;

/*
 * Sets item->ours when the file is one of the driver's modules by its exact name, '-' and '_'
 * alike, and its own .modinfo has the version.
 */
int legacy_modules_prove(const struct root *root, const char *version, struct legacy_path *item,
                         struct error *err) MUST_CHECK;

/*
 * Whether the kernel's index resolves a driver's module to a file that is gone or that is ours in
 * `paths`: the index is older than the removal.
 */
int legacy_modules_resolve(const struct root *root, const char *kernel,
                           const struct legacy_paths *paths, bool *resolves,
                           struct error *err) MUST_CHECK;

/* Whether the kernel's index resolves the driver's first module, nvidia, to a file of that
 * version. */
int legacy_modules_are_indexed(const struct root *root, const char *kernel, const char *version,
                               bool *indexed, struct error *err) MUST_CHECK;

#endif
