#include "kmod/system/unpacker_programs.h"

#include "base/filter.h"
#include "base/process.h"

#define ARGUMENTS_MAX 4

static const struct program {
    const char *name;
    const char *arguments[ARGUMENTS_MAX];
} programs_for[PACKED_FORMATS] = {
    [PACKED_GZIP] = {"gzip", {"-dc"}},
    [PACKED_BZIP2] = {"bzip2", {"-dc"}},
    [PACKED_LZMA] = {"xz", {"-dc", "--memlimit-decompress=1GiB"}},
    [PACKED_XZ] = {"xz", {"-dc", "--memlimit-decompress=1GiB"}},
    [PACKED_LZ4_LEGACY] = {"lz4", {"-dc"}},
    [PACKED_LZ4] = {"lz4", {"-dc"}},
    [PACKED_ZSTD] = {"zstd", {"-dc", "--memory=128MB"}},
    [PACKED_LZOP] = {"lzop", {"-dc"}},
};

struct programs {
    struct filter *filter;
    const char *name;
    char *path; /* of the program */
    const char *argv[ARGUMENTS_MAX + 2];
    byte_source source;
    void *context;
    uint64_t given;
};

static int give(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct programs *programs = context;
    int rc = programs->source(programs->context, data, size, got, err);
    programs->given += rc ? 0 : *got;
    return rc;
}

static int begin(struct programs *programs, const struct program *program, struct error *err) {
    int rc = process_find(program->name, &programs->path, err);
    if (rc)
        return error_wrap(err, rc, "%s can't be decompressed", programs->name);
    programs->argv[0] = programs->path;
    for (size_t i = 0; i < ARGUMENTS_MAX; i++)
        programs->argv[i + 1] = program->arguments[i];
    return filter_open(programs->argv, give, programs, &programs->filter, err);
}

static void close_programs(void *state) {
    struct programs *programs = state;
    filter_close(&programs->filter);
    free(programs->path);
    free(programs);
}

static bool can_unpack(enum packed_format format) {
    return format < PACKED_FORMATS;
}

/* gzip tells what follows from its end and not where that is; the others take it for damage. */
static bool finds_end(enum packed_format format) {
    (void)format;
    return false;
}

static int open_programs(void **state, enum packed_format format, byte_source source, void *context,
                         const char *name, struct error *err) {
    struct programs *programs = calloc(1, sizeof *programs);
    if (!programs)
        return error_oom(err, "decompressing");
    programs->name = name;
    programs->source = source;
    programs->context = context;
    int rc = begin(programs, &programs_for[format], err);
    if (rc)
        close_programs(programs);
    else
        *state = programs;
    return rc;
}

static int read_programs(void *state, void *data, size_t size, size_t *got, struct error *err) {
    struct programs *programs = state;
    struct error reason = {0};
    int rc = filter_read(programs->filter, data, size, got, &reason);
    if (rc && err)
        *err = reason;
    return reason.kind == ERROR_DAMAGED
               ? error_wrap(err, rc, "%s can't be decompressed", programs->name)
               : rc;
}

static uint64_t consumed(const void *state) {
    return ((const struct programs *)state)->given;
}

const struct unpacking unpacker_programs = {
    .can = can_unpack,
    .finds_end = finds_end,
    .open = open_programs,
    .read = read_programs,
    .consumed = consumed,
    .close = close_programs,
};
