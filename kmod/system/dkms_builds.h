/*
 * What the DKMS tree holds of one name and version: every kernel it was built for, and whether this
 * version is the one that is installed there. Read from folders and links alone, dkms.conf is never
 * looked at, so that a `source` that leads nowhere does not matter.
 */
#ifndef KMOD_DKMS_BUILDS_H
#define KMOD_DKMS_BUILDS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/dkms_tree.h"

/* Which version kernel-K-M leads to. */
enum dkms_active {
    DKMS_ACTIVE_NONE,  /* there is no such link: at most an installation that was interrupted */
    DKMS_ACTIVE_THIS,  /* this version is installed for the kernel */
    DKMS_ACTIVE_OTHER, /* another version is: the kernel's files are that one's */
};

struct dkms_build {
    char *kernel;
    char *machine;
    struct dkms_paths paths;
    enum dkms_active active;
};

struct dkms_builds {
    bool present;           /* there is anything of it */
    char *module_dir;       /* /var/lib/dkms/N */
    char *version_dir;      /* /var/lib/dkms/N/V */
    struct strlist kernels; /* each folder V/K, also one that an interrupted build left empty */
    struct dkms_build *items;
    size_t count;
};

/*
 * Reads the tree; the caller releases. A version that is not there leaves present = false.
 * ERROR_REFUSED: a name or version that is no plain path component; a link or a file where dkms has
 * the folder of the name or version.
 */
int dkms_builds_read(const struct root *root, const char *name, const char *version,
                     struct dkms_builds *builds, struct error *err) MUST_CHECK;

void dkms_builds_release(struct dkms_builds *builds);
#define AUTO_DKMS_BUILDS AUTO(dkms_builds_release)

#endif
