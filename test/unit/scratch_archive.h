/*
 * Archives that no honest tool would write. A tar archive is built byte by byte, because writers
 * refuse or repair what the tests need.
 */
#ifndef TEST_UNIT_SCRATCH_ARCHIVE_H
#define TEST_UNIT_SCRATCH_ARCHIVE_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/root.h"

#define SCRATCH_ARCHIVE_TIME 1600000000 /* the mtime of every entry */

struct scratch_entry {
    char type; /* '0' file, '1' hard link, '2' symbolic link, '3' device, '5' directory, '6' fifo */
    const char *path;
    const char *text;             /* a file's content or a link's target; NULL for none */
    mode_t mode;                  /* 0 is 0644, for a directory 0755 */
    unsigned long long pretended; /* the size that the header says, when not 0 */
};

/* Adds an entry, or the end of the archive. End the program when memory runs out. */
void scratch_archive_add(struct buffer *tar, const struct scratch_entry *entry);
void scratch_archive_end(struct buffer *tar);

/* Wraps the file `data`, whose name begins with data.tar, as the .deb `deb` (both in the root). */
void scratch_archive_deb(const struct root *root, const char *data, const char *deb);

/* The path on this machine of a package that scripts/install-deps downloaded; ends the program when
 * it is not there. The name is a glob pattern without ".deb". */
const char *scratch_archive_package(const char *pattern);

/*
 * What can be seen of the tree `fd`, a line for each path: type, permissions, mtime in nanoseconds,
 * link target or digest. Ends the program when it can't be read.
 */
void scratch_archive_list(int fd, struct buffer *out);

#endif
