/* Where a decoder's output goes: a buffer that grows with what really comes out, up to a bound. */
#ifndef KMOD_MODULE_CODEC_SINK_H
#define KMOD_MODULE_CODEC_SINK_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

#define CODEC_SINK_CHUNK (64UL << 10) /* what a decoder hands over at a time */

struct codec_sink {
    struct buffer *out;
    size_t room;      /* how many bytes may still come */
    const char *name; /* the file, for sentences */
};

/* Takes `size` decoded bytes. ERROR_DAMAGED when they are more than there is room for. */
int codec_sink_write(struct codec_sink *sink, const void *data, size_t size,
                     struct error *err) MUST_CHECK;

/* ERROR_DAMAGED, −EBADMSG: "<name>: its <format> stream <what>". */
int codec_sink_damaged(const struct codec_sink *sink, const char *format, const char *what,
                       struct error *err);

#endif
