/*
 * A directory for the build's user to work in, at the same path inside the confinement wherever it
 * really is.
 *
 * With namespaces it is below a private folder and stands at the wished path inside. Without, it
 * is used in place: at that path itself, which is why everything is then below /var/cache/prebake
 * (root's, and open to pass through) instead of where DKMS keeps its own things.
 */
#ifndef TOOLCHAIN_WORKPLACE_H
#define TOOLCHAIN_WORKPLACE_H

#include "base/error.h"
#include "base/strlist.h"
#include "base/temporary.h"

struct workplace {
    int parent;             /* the folder that holds it */
    const char *name;       /* its name there */
    char *path;             /* it, on this machine */
    char *inside;           /* it, inside the confinement */
    struct strlist created; /* parents to remove */

    struct temporary temporary; /* a private folder of its own around it, or none */
};

#define WORKPLACE_INIT                                                                             \
    { .parent = -1 }

/* What dkms_tree is inside: "/var/lib/dkms", as with dkms, when namespaces can show it there. */
const char *workplace_dkms_tree(void);

/*
 * Prepares a place at `below` ("nvidia/535.261.03/build") in workplace_dkms_tree(). With
 * namespaces, it is in the private folder `work_dir`, or in a fresh one when that is NULL. The
 * directory itself does not exist yet: the caller creates `name` in `parent`, fills it, and gives
 * `path` to the build's user. A leftover of an interrupted run is removed.
 */
int workplace_open(const char *work_dir, const char *below, struct workplace *place,
                   struct error *err) MUST_CHECK;

/* Removes the directory with all it holds, and what workplace_open() created. */
void workplace_close(struct workplace *place);
#define AUTO_WORKPLACE AUTO(workplace_close)

#endif
