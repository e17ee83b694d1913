/*
 * weak-updates: on SUSE and RHEL a module built for one kernel serves others through links,
 *
 *     /lib/modules/K2/weak-updates/foo.ko -> /lib/modules/K/extra/foo.ko
 *
 * made by the distribution's weak-modules, which dkms calls.
 */
#ifndef KMOD_WEAK_UPDATES_H
#define KMOD_WEAK_UPDATES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"
#include "kmod/system/dkms_installed.h"

/* Links that were found. */
struct weak_links {
    struct strlist paths;     /* "/lib/modules/K2/weak-updates/foo.ko" */
    struct strlist canonical; /* the same, as index_refresh() wants what it is to leave out */
    struct strlist kernels;   /* that have an index, which may know them; each once */
};

void weak_links_release(struct weak_links *links);
#define AUTO_WEAK_LINKS AUTO(weak_links_release)

/* Whether links to `target` are wanted: a canonical path inside the root, where nothing need be. */
typedef int (*weak_updates_wanted)(void *context, const char *target, bool *wanted,
                                   struct error *err);

/*
 * Finds the links of all kernels whose targets, as the links name them, are wanted. A kernel
 * without such a folder costs one look; the caller releases. Errors are the function's, and I/O
 * errors.
 */
int weak_updates_find(const struct root *root, weak_updates_wanted wanted, void *context,
                      struct weak_links *links, struct error *err) MUST_CHECK;

/* Removes these links. The folders stay: of one that is empty already nobody could tell, after a
 * kill, whether it was so before. */
int weak_updates_unlink(const struct root *root, const struct weak_links *links,
                        struct error *err) MUST_CHECK;

/*
 * Removes the links of all kernels that lead to one of the installed files, and the folders below
 * weak-updates that are empty then. `removed` is increased by their number.
 */
int weak_updates_remove(const struct root *root, const struct dkms_installed *installed,
                        unsigned *removed, struct error *err) MUST_CHECK;

#endif
