/* Where a userspace goes in a root. */
#ifndef BUILDER_USERSPACE_PLACING_H
#define BUILDER_USERSPACE_PLACING_H

#include "builder/userspace.h"
#include "kmod/lifecycle/placing.h"

/*
 * Adds every path of the userspace at its canonical place ("/lib/x" → "/usr/lib/x" where the root
 * has such a link), directories that are missing included. ERROR_REFUSED, naming the path: the root
 * has something there already, two paths have one place, a link leads out of the root, or the place
 * is one that a userspace has no business in: the kernel's modules, DKMS' tree, prebake's own
 * folder and prebake-node, the loader's cache, what is made anew at every boot.
 */
int userspace_placing_add(const struct userspace *userspace, const struct root *root,
                          struct placing *placing, struct error *err) MUST_CHECK;

#endif
