#include "toolchain/archive.h"

#include <archive_entry.h>
#include <string.h>

#include "base/interrupt.h"
#include "toolchain/archive_stream.h"
#include "toolchain/extraction.h"

/*
 *   0        8                       24
 *   "!<arch>\n" "debian-binary" blanks or "/" …
 */
bool archive_is_deb(int fd) {
    static const char magic[] = "!<arch>\ndebian-binary";
    char start[sizeof magic - 1];
    return pread(fd, start, sizeof start, 0) == (ssize_t)sizeof start &&
           !memcmp(start, magic, sizeof start);
}

static bool is_wanted(bool (*wanted)(const char *path), struct archive_entry *entry) {
    const char *path = archive_entry_pathname(entry);
    return !wanted || (path && wanted(path));
}

static int unpack(int fd, const char *name, const struct archive_limits *limits,
                  bool (*wanted)(const char *path), int into, struct error *err) {
    AUTO_ARCHIVE_STREAM struct archive_stream *stream = NULL;
    AUTO_EXTRACTION struct extraction extraction = {.into = into, .name = name, .left = *limits};
    int rc = archive_stream_open(&stream, fd, name, archive_is_deb(fd), limits->bytes, err);
    if (rc)
        return rc;
    for (;;) {
        struct archive_entry *entry = NULL;
        rc = interrupt_check(err);
        if (!rc)
            rc = archive_stream_next(stream, &entry, err);
        if (rc)
            return rc;
        if (!entry)
            return extraction_finish(&extraction, err);
        if (is_wanted(wanted, entry))
            rc = extraction_add(&extraction, stream, entry, err);
        if (rc)
            return rc;
    }
}

int archive_unpack_within(int fd, const char *name, const struct archive_limits *limits, int into,
                          struct error *err) {
    return unpack(fd, name, limits, NULL, into, err);
}

static const struct archive_limits default_limits = ARCHIVE_LIMITS_DEFAULT;

int archive_unpack(int fd, const char *name, int into, struct error *err) {
    return unpack(fd, name, &default_limits, NULL, into, err);
}

int archive_unpack_some(int fd, const char *name, bool (*wanted)(const char *path), int into,
                        struct error *err) {
    return unpack(fd, name, &default_limits, wanted, into, err);
}
