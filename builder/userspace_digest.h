/* What a userspace is, as one digest: a bake notices by it that it was given another one. */
#ifndef BUILDER_USERSPACE_DIGEST_H
#define BUILDER_USERSPACE_DIGEST_H

#include "base/digest.h"
#include "builder/userspace.h"

/*
 * The digest of every path, type, mode, owner, time, link target, hard link, extended attribute and
 * content, read in bounded memory. Equal directories have equal ones, wherever they are.
 */
int userspace_digest(const struct userspace *userspace, char hex[static DIGEST_HEX_SIZE],
                     struct error *err) MUST_CHECK;

#endif
