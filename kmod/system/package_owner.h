/*
 * Which paths a package owns, by the lists that dpkg keeps (dpkg itself is not run):
 *
 *     /var/lib/dpkg/info/<package>.list   a path a line
 *     /var/lib/dpkg/diversions            three lines each: path, where it was moved to, by whom
 */
#ifndef KMOD_PACKAGE_OWNER_H
#define KMOD_PACKAGE_OWNER_H

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

/*
 * Adds to `owned` every one of `paths` (absolute, inside the root) that a package's list names or
 * that is where a package's file was diverted to. /bin, /sbin and /lib are the same as in /usr:
 * packages name either on a merged /usr. All lists are read once; none for no paths. A root without
 * packages owns nothing. ERROR_REFUSED: the root has a package database that can't be read here
 * (rpm).
 */
int package_owner_find(const struct root *root, const struct strlist *paths, struct strlist *owned,
                       struct error *err) MUST_CHECK;

#endif
