/* What a whole root holds, as text: two roots are the same when the texts are. */
#ifndef TEST_UNIT_ROOT_SNAPSHOT_H
#define TEST_UNIT_ROOT_SNAPSHOT_H

#include "base/root.h"

/*
 * One line a path: type, mode, owner, link count, inode, time and content; of directories no link
 * count and time. The caller frees. Ends the program when it can't look.
 */
char *root_snapshot(const struct root *root);

#endif
