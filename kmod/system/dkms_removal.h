/*
 * What `dkms remove` does to the builds of one name and version, without dkms, in an order that a
 * kill at any point and a second run bring to the same end:
 *
 *     files: for each kernel: weak-updates links → original modules back → installed files
 *       → (the caller: depmod for the kernels named by dkms_removal_files(), one syncfs)
 *     tree:  for each kernel: kernel-K-M → V/K
 *       → (for a whole registration) V → N
 *
 * As long as kernel-K-M is there, a second run does a kernel's files and its index again. dkms.conf
 * is not read: POST_REMOVE scripts do not run.
 */
#ifndef KMOD_DKMS_REMOVAL_H
#define KMOD_DKMS_REMOVAL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/compared_files.h"
#include "kmod/system/dkms_builds.h"

struct dkms_removal {
    const struct root *root;
    const char *name;
    const char *version;
    const char *kernel;                 /* only this release's builds; NULL: those of all */
    const struct strlist *except;       /* but not these releases'; NULL: none excepted */
    const struct compared_files *known; /* installed files that need not be read; or NULL */
    struct dkms_builds builds;          /* as dkms_removal_open() found them */
    unsigned kernels;                   /* releases whose builds are gone */
    unsigned files;                     /* installed files and weak-updates links that are gone */
    unsigned foreign; /* files in their places that are somebody else's: they stay */
};

/*
 * Reads what DKMS has into removal->builds; what stands before them is set by the caller, who
 * releases. Errors as dkms_builds_read().
 */
int dkms_removal_open(struct dkms_removal *removal, struct error *err) MUST_CHECK;

/* Whether there is anything of the chosen builds, or of a version that is built for no kernel. */
bool dkms_removal_has_any(const struct dkms_removal *removal);

/*
 * Removes what is installed of the chosen builds and puts original modules back. A kernel for which
 * another version is active keeps its files, and so does one where none is, when DKMS has them
 * installed for another name. `refresh` gets the kernels whose index needs a depmod now, each once:
 * those a chosen build was active for, and those whose index names one of its modules that is gone
 * (a weak-updates link; what an earlier run that was killed left). Goes on past failures and
 * returns the first; the tree must not be touched then.
 */
int dkms_removal_files(struct dkms_removal *removal, struct strlist *refresh,
                       struct error *err) MUST_CHECK;

/*
 * Removes the chosen builds from the DKMS tree, and the `build` folder that an interrupted one left
 * when it is not for one kernel only. Goes on past failures and returns the first.
 */
int dkms_removal_tree(struct dkms_removal *removal, struct error *err) MUST_CHECK;

/*
 * Removes the version, if no kernel's folder is left in it, with its `source` (a link is not
 * followed), and then the name's folder if it is empty.
 */
int dkms_removal_version(const struct dkms_removal *removal, struct error *err) MUST_CHECK;

void dkms_removal_release(struct dkms_removal *removal);
#define AUTO_DKMS_REMOVAL AUTO(dkms_removal_release)

#endif
