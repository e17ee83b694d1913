/*
 * Looking paths up beneath a directory descriptor as if it were "/": links and ".." can lead
 * anywhere inside, never out. Nothing here needs /proc, which a chroot may not have.
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/*
 * open(2) by openat2(2), as that has it for `resolve`, a set of RESOLVE_*: links of /proc are never
 * followed, and O_CLOEXEC is added. The descriptor or −errno.
 */
int beneath_resolve(int top, const char *path, int flags, unsigned resolve) MUST_CHECK;

/* The same with RESOLVE_IN_ROOT: links and ".." stay inside. */
int beneath_open(int top, const char *path, int flags) MUST_CHECK;

/* Whether somebody beside root could change what is in this directory: not root's, or writable by
 * others without the sticky bit. */
bool beneath_is_untrusted(const struct stat *dir);

/* A directory, how it was reached and whether somebody else could redirect the way to it. */
struct beneath_dir {
    int fd;          /* O_PATH */
    char *path;      /* without links, "." and "..", as seen from the top: "/usr/lib"; "/" */
    char *untrusted; /* first directory or link on the way that not root alone controls, or NULL */
};

#define BENEATH_DIR_INIT                                                                           \
    { .fd = -1 }

/*
 * Walks to the directory `path` one component and one link at a time. `dir` is filled on success;
 * release it in any case. −ENOENT, −ENOTDIR, −ELOOP as open(2).
 */
int beneath_walk(int top, const char *path, struct beneath_dir *dir) MUST_CHECK;

void beneath_dir_release(struct beneath_dir *dir);
#define AUTO_BENEATH_DIR AUTO(beneath_dir_release)

#endif
