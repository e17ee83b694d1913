#include "kmod/system/unpacker.h"

#include "kmod/system/unpacker_programs.h"

static const struct unpacking *chosen = &unpacker_programs;

struct unpacker {
    const struct unpacking *by;
    void *state;
};

void unpacker_use(const struct unpacking *unpacking) {
    chosen = unpacking;
}

int unpacker_open(struct unpacker **unpacker, byte_source source, void *context, const char *name,
                  struct error *err) {
    AUTO_FREE struct unpacker *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return error_oom(err, "decompressing");
    fresh->by = chosen;
    int rc = chosen->open(&fresh->state, source, context, name, err);
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
