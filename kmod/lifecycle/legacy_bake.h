/*
 * What a legacy image carries: one that another tool baked, with a marker (kernel, driver_version,
 * driver_kind, arch) and no manifest. Nothing there is ours by its place; each path of the known
 * list is taken only with its own proof that it is of the marker's version:
 *
 *     /var/lib/dkms/nvidia/<version>               its name, and a source that no package owns
 *     /lib/modules/K/updates/dkms/nvidia*.ko*      the module's own .modinfo; exact names
 *     /usr/bin/lib64                               file name, ELF content or the installer's log;
 *     and its copies in /usr/lib/<arch>-linux-gnu  links by their targets; copies byte for byte
 *     /usr/bin/nvidia-smi and the other programs   ELF content or the installer's log
 *     /etc/ld.so.conf.d/nvidia.conf                exact content
 *
 * and nothing that a package owns. What stands in these places without proof is foreign.
 */
#ifndef KMOD_LEGACY_BAKE_H
#define KMOD_LEGACY_BAKE_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/legacy_paths.h"
#include "kmod/lifecycle/marker.h"

#define LEGACY_DKMS_NAME "nvidia"

struct legacy_bake {
    struct strlist kernels; /* all that have a folder in /lib/modules */
    struct legacy_paths paths;
    bool registered;  /* DKMS has the version, and it is ours */
    bool packaged;    /* its DKMS source is a package's, and so are all modules built of it */
    unsigned foreign; /* in the known places, of others */
    unsigned left;    /* ours: paths, the registration, folders that are empty */
};

/*
 * Looks; changes nothing. The caller releases. ERROR_REFUSED: the marker's driver_version is
 * missing or too short to prove anything; the root's packages can't be read (rpm); the DKMS folder
 * is a link.
 */
int legacy_bake_find(const struct root *root, const struct marker *marker, struct legacy_bake *bake,
                     struct error *err) MUST_CHECK;

void legacy_bake_release(struct legacy_bake *bake);
#define AUTO_LEGACY_BAKE AUTO(legacy_bake_release)

#endif
