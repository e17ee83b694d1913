/*
 * Whole directory trees. Links are never followed; what is mounted on a directory in the tree is
 * not entered, be it the same file system again: −EXDEV (ERROR_REFUSED).
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <sys/stat.h>

#include "base/error.h"

/* What tree_walk() shows: `path` is relative to the start ("a/b"), `parent` and `name` open it. */
struct tree_entry {
    const char *path;
    int parent;
    const char *name;
    const struct stat *st;
};

/*
 * Visits everything below the directory `fd` in sorted order, a directory before what it holds.
 * Stops at the first visit that returns non-zero, and returns that. Deeper than 64 levels is
 * −ELOOP.
 */
int tree_walk(int fd, const char *name,
              int (*visit)(void *context, const struct tree_entry *entry, struct error *err),
              void *context, struct error *err) MUST_CHECK;

/*
 * Removes `name` in `parent` and all below it. A missing one is no error; goes on past failures and
 * returns the first. What lies deeper than 64 levels stays: −ELOOP.
 */
int tree_remove(int parent, const char *name, struct error *err) MUST_CHECK;

/*
 * Copies the directory `from` to the new directory `name` in `parent`: regular files, directories
 * and links, with permission bits (no setuid, setgid, sticky, nobody but the owner may write, and
 * that one may write every directory) and times (but a directory's); owner root. Anything else is
 * ERROR_REFUSED.
 */
int tree_copy(int from, int parent, const char *name, struct error *err) MUST_CHECK;

#endif
