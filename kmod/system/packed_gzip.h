/* A member of a gzip file (RFC 1952). */
#ifndef KMOD_PACKED_GZIP_H
#define KMOD_PACKED_GZIP_H

#include "kmod/system/packed_stream.h"

/* A packed_step: the first. */
int packed_gzip_step(struct packed_stream *stream, struct error *err) MUST_CHECK;

#endif
