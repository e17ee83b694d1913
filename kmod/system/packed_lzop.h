/* An lzop file: blocks that say their sizes. */
#ifndef KMOD_PACKED_LZOP_H
#define KMOD_PACKED_LZOP_H

#include "kmod/system/packed_stream.h"

/* A packed_step: the first. */
int packed_lzop_step(struct packed_stream *stream, struct error *err) MUST_CHECK;

#endif
