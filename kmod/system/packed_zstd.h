/* A zstd frame: a header, then blocks that say their sizes (RFC 8878). */
#ifndef KMOD_PACKED_ZSTD_H
#define KMOD_PACKED_ZSTD_H

#include "kmod/system/packed_stream.h"

/* A packed_step: the first. */
int packed_zstd_step(struct packed_stream *stream, struct error *err) MUST_CHECK;

#endif
