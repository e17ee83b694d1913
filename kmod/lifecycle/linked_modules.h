/* Links in other kernels' folders that lead to a bake's modules (weak_updates.h). */
#ifndef KMOD_LINKED_MODULES_H
#define KMOD_LINKED_MODULES_H

#include "kmod/lifecycle/removal.h"
#include "kmod/system/weak_updates.h"

/*
 * Finds the links that lead to where the removal's manifest has a module, be it there or gone by
 * now, but not where it is somebody else's. The caller releases. Errors as weak_updates_find() and
 * removal_ownership().
 */
int linked_modules_find(struct removal *removal, struct weak_links *links,
                        struct error *err) MUST_CHECK;

#endif
