/* A copy of one file that nothing tells from the original but its inode. */
#ifndef KMOD_REPLICA_H
#define KMOD_REPLICA_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/* What lets a program do more than who starts it: mode bits, and an extended attribute. */
#define REPLICA_PRIVILEGED 06000
#define REPLICA_CAPABILITY "security.capability"

/*
 * Copies `name` of the directory `from` to the new `to_name` in the directory `to`: a regular
 * file's content, owner, mode, extended attributes and times; a link's target, owner and times.
 * Links are not followed. ERROR_REFUSED: neither a file nor a link. A copy that failed half way is
 * removed.
 */
int replica_make(int from, const char *name, int to, const char *to_name,
                 struct error *err) MUST_CHECK;

/* The same without setuid, setgid and file capability, at no moment. */
int replica_make_inert(int from, const char *name, int to, const char *to_name,
                       struct error *err) MUST_CHECK;

/* Gives the open file or directory `out` the extended attributes of `in` and its owner, mode and
 * times, which `st` has; `name` is for the sentence. */
int replica_meta(int in, const struct stat *st, int out, const char *name,
                 struct error *err) MUST_CHECK;

#endif
