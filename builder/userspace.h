/*
 * A driver's userspace: a directory of this machine that a bake lays over the root. Each file, link
 * and directory of it has its place in the root by its path.
 */
#ifndef BUILDER_USERSPACE_H
#define BUILDER_USERSPACE_H

#include <stdint.h>

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

/* One path of it, in sorted order: a directory before what it holds. */
struct userspace_entry {
    char *path;   /* from the top of the directory: "/usr/bin/nvidia-smi" */
    char *target; /* of a link, else NULL */
    struct stat st;
    size_t twin; /* files: the first entry that is the same file, often its own number */
};

struct userspace {
    struct root tree; /* the directory itself, looked into as if it were a root */
    struct userspace_entry *entries;
    size_t count;
    size_t files; /* paths, so that one file with two names counts twice */
    size_t links;
    size_t dirs;
    uint64_t bytes;            /* of content, one file with two names counted once */
    struct strlist privileged; /* files with setuid, setgid or capabilities */
};

#define USERSPACE_INIT                                                                             \
    { .tree = ROOT_INIT }

/*
 * Reads what `dir` holds; no content. The caller releases. ERROR_USAGE: there is no such directory,
 * or nothing in it. ERROR_REFUSED, naming the path: a device, socket or fifo, a name or link target
 * with control characters, a directory that somebody else than root could change, another file
 * system mounted in it.
 */
int userspace_read(const char *dir, struct userspace *userspace, struct error *err) MUST_CHECK;

void userspace_release(struct userspace *userspace);
#define AUTO_USERSPACE AUTO(userspace_release)

#endif
