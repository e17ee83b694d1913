/*
 * Writing an archive's entries below a directory, one at a time. Every folder on the way to an
 * entry is opened without following a link, so nothing that an earlier entry planted can redirect a
 * later one.
 */
#ifndef TOOLCHAIN_EXTRACTION_H
#define TOOLCHAIN_EXTRACTION_H

#include <archive_entry.h>
#include <time.h>

#include "base/strlist.h"
#include "toolchain/archive.h"
#include "toolchain/archive_stream.h"

struct extracted_directory {
    char *path;
    mode_t mode;
    struct timespec mtime;
};

struct extraction {
    int into;
    const char *name;           /* of the archive, for sentences */
    struct archive_limits left; /* what it may still bring */
    struct strlist links;       /* paths of symbolic links, looked at again at the end */
    struct extracted_directory *directories; /* they get modes and times at the end */
    size_t directory_count, directory_capacity;
};

/* Writes one entry, or refuses it; see archive_unpack() for the reasons. */
int extraction_add(struct extraction *extraction, struct archive_stream *stream,
                   struct archive_entry *entry, struct error *err) MUST_CHECK;

/* After the last entry: directories' modes and times, and where each link leads by now. */
int extraction_finish(struct extraction *extraction, struct error *err) MUST_CHECK;

void extraction_release(struct extraction *extraction);
#define AUTO_EXTRACTION AUTO(extraction_release)

#endif
