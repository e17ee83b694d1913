/*
 * Where things are while a bake is parked: the manifest's tree once more, below a folder that only
 * root can enter,
 *
 *     /usr/bin/nvidia-smi    →    /var/lib/prebake/store/parked/usr/bin/nvidia-smi
 *
 * Files and links are the placed ones, moved; a file with setuid, setgid or a file capability is a
 * copy without them. The manifest keeps saying what each path is while the bake is active.
 */
#ifndef KMOD_PARKED_STORE_H
#define KMOD_PARKED_STORE_H

#include <stdbool.h>

#include "base/error.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/state_folder.h"

#define PARKED_STORE STATE_FOLDER_STORE "/parked"

/* Where `path` of the manifest is kept; the caller frees. NULL when out of memory. */
char *parked_store_path(const char *path);

/* The facts' word for where things are: theirs are the inodes and times of what is there. */
bool parked_store_is_home(const struct facts *facts);

/* Where the module file is now; the caller frees. NULL when out of memory. */
char *parked_store_module_path(const struct facts *facts, const struct facts_module *module);

/*
 * The manifest of what the store holds: entry i is where entry i of `manifest` is kept, with the
 * mode that it has there. The caller releases.
 */
int parked_store_manifest(const struct manifest *manifest, struct manifest *parked,
                          struct error *err) MUST_CHECK;

#endif
