/*
 * The folder of one path after the other. Proving that a folder is root's alone takes some calls
 * for each of its parents (root_open_parent()); paths in a row mostly share most of theirs, which
 * stay open: from one path to the next only what differs is walked.
 */
#ifndef BASE_PARENT_FOLDER_H
#define BASE_PARENT_FOLDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/root.h"

#define PARENT_FOLDER_DEPTH 32 /* deeper ones are walked anew each time */

struct parent_folder {
    int fd;     /* −1: none yet */
    bool exact; /* no link led to it, or to where the way to it ended */
    char *path; /* inside the root, with a slash at its end */
    size_t depth;
    struct parent_folder_step {
        int fd;
        size_t length;          /* of the part of `path` that names it, with its slash */
    } way[PARENT_FOLDER_DEPTH]; /* from the root on, without links */
};

#define PARENT_FOLDER_INIT                                                                         \
    { .fd = -1 }

/*
 * Makes folder->fd the directory that holds `path`, open for reading, and points `name` at its last
 * component; errors as root_open_parent(), and the folder is none then. To be used within one
 * command, for paths whose folders the command itself does not replace in between, and removes only
 * when it has no more use for what they hold.
 */
int parent_folder_enter(struct parent_folder *folder, const struct root *root, const char *path,
                        const char **name, struct error *err) MUST_CHECK;

/*
 * lstat(2) of `path` from its folder, which is entered. −ENOENT: certainly not there. Anything else
 * but 0, without a sentence: a link led there, or nothing can be said; look closer.
 */
int parent_folder_stat(struct parent_folder *folder, const struct root *root, const char *path,
                       struct stat *st) MUST_CHECK;

/* Whether it is the one that holds `path`. */
bool parent_folder_holds(const struct parent_folder *folder, const char *path);

void parent_folder_release(struct parent_folder *folder);
#define AUTO_PARENT_FOLDER AUTO(parent_folder_release)

#endif
