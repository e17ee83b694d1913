/* A bzip2 stream. It says nothing of its size: it ends where the first six bytes of its end are, at
 * any bit. Where they are by accident (once in 2^48 bits), the decompressor finds it cut short. */
#ifndef KMOD_PACKED_BZIP2_H
#define KMOD_PACKED_BZIP2_H

#include "kmod/system/packed_stream.h"

/* A packed_step: the first. */
int packed_bzip2_step(struct packed_stream *stream, struct error *err) MUST_CHECK;

#endif
