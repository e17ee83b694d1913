/* A copy of one file that nothing tells from the original but its inode. */
#ifndef KMOD_REPLICA_H
#define KMOD_REPLICA_H

#include "base/error.h"

/*
 * Copies `name` of the directory `from` to the new `to_name` in the directory `to`: a regular
 * file's content, owner, mode, extended attributes and times; a link's target, owner and times.
 * Links are not followed. ERROR_REFUSED: neither a file nor a link. A copy that failed half way is
 * removed.
 */
int replica_make(int from, const char *name, int to, const char *to_name,
                 struct error *err) MUST_CHECK;

#endif
