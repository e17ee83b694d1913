/* lz4: frames, and the legacy format that the kernel takes. Both are blocks that say their sizes.
 */
#ifndef KMOD_PACKED_LZ4_H
#define KMOD_PACKED_LZ4_H

#include "kmod/system/packed_stream.h"

/* Packed_steps: the first of a frame, and of a legacy stream. That has no end of its own: it is
 * where no size of a block follows, as the kernel has it (lib/decompress_unlz4.c). */
int packed_lz4_step(struct packed_stream *stream, struct error *err) MUST_CHECK;
int packed_lz4_step_legacy(struct packed_stream *stream, struct error *err) MUST_CHECK;

#endif
