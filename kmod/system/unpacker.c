#include "kmod/system/unpacker.h"

#include <string.h>

#include "kmod/system/unpacker_programs.h"

static const struct unpacking *chosen = &unpacker_programs;

struct unpacker {
    const struct unpacking *by;
    void *state;
    struct byte_stream input; /* of one whose format had to be told from it */
};

void unpacker_use(const struct unpacking *unpacking) {
    chosen = unpacking;
}

bool unpacker_finds_end(enum packed_format format) {
    return chosen->can(format) && chosen->finds_end(format);
}

static int begin(struct unpacker *unpacker, enum packed_format format, byte_source source,
                 void *context, const char *name, struct error *err) {
    unpacker->by = chosen->can(format) ? chosen : &unpacker_programs;
    return unpacker->by->open(&unpacker->state, format, source, context, name, err);
}

int unpacker_open_format(struct unpacker **unpacker, enum packed_format format, byte_source source,
                         void *context, const char *name, struct error *err) {
    AUTO_FREE struct unpacker *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return error_oom(err, "decompressing");
    int rc = begin(fresh, format, source, context, name, err);
    if (!rc)
        *unpacker = STEAL(fresh);
    return rc;
}

/* What is unpacked is what the stream has. */
static int give(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct unpacker *unpacker = context;
    const uint8_t *held;
    size_t count;
    int rc = byte_stream_peek(&unpacker->input, 1, &held, &count, err);
    if (rc)
        return rc;
    *got = count < size ? count : size;
    memcpy(data, held, *got);
    byte_stream_take(&unpacker->input, *got);
    return 0;
}

int unpacker_open(struct unpacker **unpacker, byte_source source, void *context, const char *name,
                  struct error *err) {
    AUTO_FREE struct unpacker *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return error_oom(err, "decompressing");
    enum packed_format format;
    byte_stream_begin(&fresh->input, source, context, 0);
    int rc = packed_format_find(&fresh->input, name, &format, err);
    if (!rc)
        rc = begin(fresh, format, give, fresh, name, err);
    if (!rc)
        *unpacker = STEAL(fresh);
    return rc;
}

int unpacker_read(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct unpacker *unpacker = context;
    return unpacker->by->read(unpacker->state, data, size, got, err);
}

uint64_t unpacker_consumed(const struct unpacker *unpacker) {
    return unpacker->by->consumed(unpacker->state);
}

void unpacker_close(struct unpacker **unpacker) {
    if (!*unpacker)
        return;
    (*unpacker)->by->close((*unpacker)->state);
    free(*unpacker);
    *unpacker = NULL;
}
