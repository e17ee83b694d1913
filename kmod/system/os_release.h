/* What distribution a root is: os-release(5). */
#ifndef KMOD_OS_RELEASE_H
#define KMOD_OS_RELEASE_H

#include "base/error.h"
#include "base/root.h"

/*
 * The root's identifiers, most particular first: ID, then the words of ID_LIKE ("ubuntu",
 * "debian"). Read from /etc/os-release, else /usr/lib/os-release; links stay inside the root. Empty
 * when it has neither. ERROR_DAMAGED: a line that is not KEY=value.
 */
int os_release_identifiers(const struct root *root, struct strlist *identifiers,
                           struct error *err) MUST_CHECK;

#endif
