#include "kmod/system/packed_stream.h"

#include <string.h>

#include "kmod/system/packed_bzip2.h"
#include "kmod/system/packed_gzip.h"
#include "kmod/system/packed_lz4.h"
#include "kmod/system/packed_lzop.h"
#include "kmod/system/packed_xz.h"
#include "kmod/system/packed_zstd.h"

static int give_the_rest(struct packed_stream *stream, struct error *err) {
    const uint8_t *data;
    size_t held;
    int rc = byte_stream_peek(&stream->input, 1, &data, &held, err);
    stream->left = rc ? 0 : held;
    if (!rc && held == 0)
        stream->step = NULL;
    return rc;
}

static const packed_step first_steps[PACKED_FORMATS] = {
    [PACKED_GZIP] = packed_gzip_step, [PACKED_BZIP2] = packed_bzip2_step,
    [PACKED_LZMA] = give_the_rest,    [PACKED_XZ] = packed_xz_step,
    [PACKED_LZ4] = packed_lz4_step,   [PACKED_LZ4_LEGACY] = packed_lz4_step_legacy,
    [PACKED_ZSTD] = packed_zstd_step, [PACKED_LZOP] = packed_lzop_step,
};

int packed_stream_open(struct packed_stream **stream, byte_source source, void *context,
                       const char *name, struct error *err) {
    AUTO_PACKED_STREAM struct packed_stream *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return error_oom(err, "decompressing");
    fresh->name = name;
    byte_stream_begin(&fresh->input, source, context, 0);
    int rc = packed_format_find(&fresh->input, name, &fresh->format, err);
    if (rc)
        return rc;
    fresh->step = first_steps[fresh->format];
    *stream = STEAL(fresh);
    return 0;
}

void packed_stream_give_all(struct packed_stream *stream) {
    stream->step = give_the_rest;
}

int packed_stream_damaged(const struct packed_stream *stream, const char *what, struct error *err) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is damaged: %s", stream->name, what);
}

static int ends_early(const struct packed_stream *stream, struct error *err) {
    return packed_stream_damaged(stream, "it ends in the middle of a compressed part", err);
}

int packed_stream_look(struct packed_stream *stream, size_t size, const uint8_t **data,
                       struct error *err) {
    size_t held;
    int rc = byte_stream_peek(&stream->input, size, data, &held, err);
    return rc || held >= size ? rc : ends_early(stream, err);
}

int packed_stream_look_at_held(struct packed_stream *stream, const uint8_t **data, size_t *held,
                               struct error *err) {
    int rc = byte_stream_peek(&stream->input, 1, data, held, err);
    return rc || *held ? rc : ends_early(stream, err);
}

int packed_stream_read(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct packed_stream *stream = context;
    const uint8_t *held;
    size_t count;
    *got = 0;
    int rc = 0;
    while (!rc && stream->left == 0 && stream->step)
        rc = stream->step(stream, err);
    if (rc || stream->left == 0)
        return rc;
    rc = byte_stream_peek(&stream->input, 1, &held, &count, err);
    if (rc)
        return rc;
    if (count == 0)
        return ends_early(stream, err);
    count = count < size ? count : size;
    *got = count < stream->left ? count : (size_t)stream->left;
    memcpy(data, held, *got);
    byte_stream_take(&stream->input, *got);
    stream->left -= *got;
    stream->given += *got;
    return 0;
}

uint64_t packed_stream_given(const struct packed_stream *stream) {
    return stream->given;
}

void packed_stream_close(struct packed_stream **stream) {
    free(*stream);
    *stream = NULL;
}
