/*
 * The tar archive inside a file, as a chain of libarchive readers:
 *
 *   x.deb    → ar, at its member data.tar.* ─┐
 *   x.tar.gz ────────────────────────────────┴→ decompression ("raw") → tar
 *
 * Nothing in between is kept: each reader pulls blocks from the one before it. Decompression is a
 * stage of its own so that it can be read to its end, which is where checksums are, although tar
 * stops at its end marker; and so that every byte of it is counted.
 */
#ifndef TOOLCHAIN_ARCHIVE_STREAM_H
#define TOOLCHAIN_ARCHIVE_STREAM_H

#include <archive.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct archive_stream;

/*
 * Opens the chain over `fd`, from its start. `bytes_max` limits the decompressed stream. The caller
 * closes. ERROR_DAMAGED when a stage does not parse or a .deb has no data member, ERROR_USAGE when
 * it is no tar archive at all.
 */
int archive_stream_open(struct archive_stream **stream, int fd, const char *name, bool is_deb,
                        uint64_t bytes_max, struct error *err) MUST_CHECK;

/*
 * The next entry of the tar archive; NULL at its end, when the rest of the stream has been read and
 * its checksums hold.
 */
int archive_stream_next(struct archive_stream *stream, struct archive_entry **entry,
                        struct error *err) MUST_CHECK;

/* Reads on in the current entry's content; `got` is 0 at its end. */
int archive_stream_read(struct archive_stream *stream, void *data, size_t size, size_t *got,
                        struct error *err) MUST_CHECK;

void archive_stream_close(struct archive_stream **stream);
#define AUTO_ARCHIVE_STREAM AUTO(archive_stream_close)

#endif
