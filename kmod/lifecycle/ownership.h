/*
 * Whether a path of the manifest still is what the bake placed (DESIGN section 6, "Still ours?").
 *
 * When the manifest's own inode and ctime are the recorded ones, this file system is the one the
 * bake wrote and nothing was copied: then inode and ctime decide and no file is read. A path made
 * anew with equal bytes belongs to whoever made it; but of a file with several names of ours, the
 * ctime of one changes when another is removed, and then all that the manifest knows decides. When
 * the manifest was copied (an image taken by file, a restored backup), every inode is new and only
 * content can decide: type, size and digest, or the link's target; and what a package has taken
 * over since, with the same bytes, is the package's.
 */
#ifndef KMOD_OWNERSHIP_H
#define KMOD_OWNERSHIP_H

#include <stdbool.h>

#include "base/error.h"
#include "base/parent_folder.h"
#include "base/root.h"
#include "base/strlist.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"

enum ownership {
    OWNERSHIP_OURS,
    OWNERSHIP_GONE,
    OWNERSHIP_FOREIGN, /* somebody else's: it stays and is counted */
};

/*
 * Which files and links of a manifest packages have (package_owner.h). Nothing is read before the
 * first question, and then it is read once. Where packages can't be read (rpm) there are none.
 */
struct ownership_packages {
    const struct manifest *manifest; /* unchanged from the first question on */
    bool asked;
    struct strlist paths; /* sorted */
    int rc;               /* how reading them ended */
    struct error error;
};

void ownership_packages_release(struct ownership_packages *packages);
#define AUTO_OWNERSHIP_PACKAGES AUTO(ownership_packages_release)

/* Computed once a command, before anything is changed. */
struct ownership_context {
    bool copied; /* the root is a copy of the one that was baked: content decides */
    struct ownership_packages *packages; /* asked where content decides; NULL: nobody is */
};

/* Looks at the manifest in the state folder. `facts` NULL (lost, unreadable) counts as copied.
 * Packages are for the caller to add. */
int ownership_context_make(const struct root *root, const struct facts *facts,
                           struct ownership_context *context, struct error *err) MUST_CHECK;

/*
 * Decides for one entry. `placed` is its element of facts->placed; NULL or an inode of 0 (nothing
 * recorded) lets content decide. No link is followed, not even in the parents: a folder of ours
 * that somebody replaced by a link makes what is behind it foreign. A directory is ours when it is
 * a directory: it goes by rmdir(2), which only an empty one allows. Errors are I/O errors, and
 * those of the packages' lists (ERROR_DAMAGED).
 */
int ownership_check(const struct root *root, const struct ownership_context *context,
                    const struct manifest_entry *entry, const struct facts_placed *placed,
                    enum ownership *result, struct error *err) MUST_CHECK;

/*
 * The same for entry after entry, in the order of the manifest or the other way round: what has the
 * recorded inode and ctime, or is gone, is told by one look from its folder, which stays open.
 * The manifest outlives the scan; nothing of it is made anew meanwhile. Begin with
 * OWNERSHIP_SCAN_INIT(root, context).
 */
struct ownership_scan {
    const struct root *root;
    const struct ownership_context *context;
    struct parent_folder folder; /* where the last entry is */
    const char *gone;            /* the last one that is gone: so is what would be below it */
};

#define OWNERSHIP_SCAN_INIT(root, context)                                                         \
    { root, context, PARENT_FOLDER_INIT, NULL }

int ownership_scan_next(struct ownership_scan *scan, const struct manifest_entry *entry,
                        const struct facts_placed *placed, enum ownership *result,
                        struct error *err) MUST_CHECK;

void ownership_scan_end(struct ownership_scan *scan);
#define AUTO_OWNERSHIP_SCAN AUTO(ownership_scan_end)

/* Checks that every entry is ours (ERROR_DAMAGED names the first that is not); `facts` has what was
 * recorded of each. */
int ownership_check_all(const struct root *root, const struct ownership_context *context,
                        const struct manifest *manifest, const struct facts *facts,
                        struct error *err) MUST_CHECK;

#endif
