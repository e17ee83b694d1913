/* prebake's private folder inside a root, and where each thing in it is. */
#ifndef KMOD_STATE_FOLDER_H
#define KMOD_STATE_FOLDER_H

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

#define STATE_FOLDER_PARENT "/var/lib"
#define STATE_FOLDER STATE_FOLDER_PARENT "/prebake"
#define STATE_FOLDER_MARKER STATE_FOLDER "/marker"
#define STATE_FOLDER_WORD STATE_FOLDER "/state"
#define STATE_FOLDER_MANIFEST STATE_FOLDER "/manifest.mtree"
#define STATE_FOLDER_FACTS STATE_FOLDER "/facts"
#define STATE_FOLDER_JOURNAL STATE_FOLDER "/journal"
#define STATE_FOLDER_STORE STATE_FOLDER "/store"

/*
 * Opens the folder for reading; the descriptor serves flock(2) and *at() calls. −ENOENT without a
 * sentence when there is none: nothing was ever baked here. ERROR_REFUSED when it is a link or no
 * directory, not owned by root, or writable by group or others.
 */
int state_folder_open(const struct root *root, int *fd, struct error *err) MUST_CHECK;

/*
 * Checks that the store, when there is one, is a directory of root's alone: what is kept there is
 * put in place, and what is in the way there is removed. ERROR_REFUSED for anything else.
 */
int state_folder_check_store(const struct root *root, struct error *err) MUST_CHECK;

/*
 * Makes the folder, 0700, when it is missing (parents 0755), then checks it as above. Directories
 * it made, parents too, are added to `created` (NULL to not ask).
 */
int state_folder_make(const struct root *root, struct strlist *created,
                      struct error *err) MUST_CHECK;

#endif
