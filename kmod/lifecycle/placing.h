/*
 * Putting a set of new paths into a root, all or none. An existing path is never overwritten.
 */
#ifndef KMOD_PLACING_H
#define KMOD_PLACING_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/journal.h"

enum placing_kind {
    PLACING_FILE,
    PLACING_LINK,
    PLACING_TREE,
    PLACING_COPY, /* a file or link of this machine, with owner, mode, attributes and times */
    PLACING_TWIN, /* one more name of an item before it */
};

struct placing_item {
    enum placing_kind kind;
    char *path;            /* canonical, inside the root */
    struct buffer content; /* PLACING_FILE */
    char *target;          /* PLACING_LINK: what it says */
    char *from;            /* PLACING_TREE: this machine's directory, copied with modes and times;
                              PLACING_COPY: this machine's file or link */
    size_t twin;           /* PLACING_TWIN: the number of the item it is another name of */
    mode_t mode;           /* PLACING_FILE */
    bool held;             /* placed by placing_run_held() */
};

struct placing {
    struct placing_item *items;
    size_t count;
    struct strlist dirs;   /* directories that have to be made, outermost first, no one twice */
    struct strlist models; /* for each, this machine's directory that it is made like, or "" */
};

/*
 * Each adds one path, resolved beneath the root (its parent may not exist yet). ERROR_REFUSED names
 * a path that is already there. placing_add_file() takes the content over.
 */
int placing_add_file(struct placing *placing, const struct root *root, const char *path,
                     struct buffer *content, mode_t mode, struct error *err) MUST_CHECK;
int placing_add_link(struct placing *placing, const struct root *root, const char *path,
                     const char *target, struct error *err) MUST_CHECK;
int placing_add_tree(struct placing *placing, const struct root *root, const char *path,
                     const char *tree, struct error *err) MUST_CHECK;
int placing_add_copy(struct placing *placing, const struct root *root, const char *path,
                     const char *from, struct error *err) MUST_CHECK;
int placing_add_twin(struct placing *placing, const struct root *root, const char *path,
                     size_t twin, struct error *err) MUST_CHECK;

/*
 * Has the directory `path` made with owner, mode and attributes of this machine's directory `from`,
 * unless it is there, or is going to be made, already: then it stays as it is. ERROR_REFUSED when
 * something else is there.
 */
int placing_add_dir(struct placing *placing, const struct root *root, const char *path,
                    const char *from, struct error *err) MUST_CHECK;

/* Refuses a path that was added twice, or as a file and as a directory. */
int placing_check_twice(const struct placing *placing, struct error *err) MUST_CHECK;

/* What was added last is placed by placing_run_held(), when all that it promises is true. */
void placing_hold(struct placing *placing);

/*
 * Places everything that is not held, in the order added. `journal` is fresh, with the kernels
 * whose index will be switched; it is written to the state folder before the first directory is
 * made and again, with the inodes, before the first path appears under its own name. On failure the
 * caller rolls the journal back. ERROR_REFUSED when a path appeared meanwhile.
 */
int placing_run(const struct placing *placing, const struct root *root, struct journal *journal,
                struct error *err) MUST_CHECK;

/* Places what is held; placing_run() with the same journal has made it already. */
int placing_run_held(const struct placing *placing, const struct root *root,
                     const struct journal *journal, struct error *err) MUST_CHECK;

void placing_release(struct placing *placing);
#define AUTO_PLACING AUTO(placing_release)

#endif
