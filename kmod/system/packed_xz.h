/* An .xz stream: blocks of LZMA2 chunks that say their sizes, an index, a footer. */
#ifndef KMOD_PACKED_XZ_H
#define KMOD_PACKED_XZ_H

#include "kmod/system/packed_stream.h"

/* A packed_step: the first. */
int packed_xz_step(struct packed_stream *stream, struct error *err) MUST_CHECK;

#endif
