#include "kmod/system/unpacker_programs.h"

#include <string.h>

#include "base/filter.h"
#include "base/process.h"

#define MAGIC_MAX 6
#define ARGUMENTS_MAX 4

/* The kernel's own list (lib/decompress.c), by what a stream begins with. */
static const struct format {
    const char *magic;
    size_t magic_size;
    const char *program;
    const char *arguments[ARGUMENTS_MAX];
} formats[] = {
    {"\x1f\x8b", 2, "gzip", {"-dc"}},
    {"\x1f\x9e", 2, "gzip", {"-dc"}},
    {"BZh", 3, "bzip2", {"-dc"}},
    {"\x5d\x00\x00", 3, "xz", {"-dc", "--memlimit-decompress=1GiB"}},
    {"\xfd"
     "7zXZ",
     6,
     "xz",
     {"-dc", "--memlimit-decompress=1GiB"}},
    {"\x02\x21\x4c\x18", 4, "lz4", {"-dc"}},
    {"\x04\x22\x4d\x18", 4, "lz4", {"-dc"}},
    {"\x28\xb5\x2f\xfd", 4, "zstd", {"-dc", "--memory=128MB"}},
    {"\x89LZO", 4, "lzop", {"-dc"}},
};

struct programs {
    struct filter *filter;
    const char *name;
    char *path; /* of the program */
    const char *argv[ARGUMENTS_MAX + 2];
    struct byte_stream stream;
};

/* What the program reads is what the stream has. */
static int give(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct programs *programs = context;
    const uint8_t *held;
    size_t count;
    int rc = byte_stream_peek(&programs->stream, 1, &held, &count, err);
    if (rc)
        return rc;
    *got = count < size ? count : size;
    memcpy(data, held, *got);
    byte_stream_take(&programs->stream, *got);
    return 0;
}

static const struct format *recognise(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (size >= formats[i].magic_size && !memcmp(data, formats[i].magic, formats[i].magic_size))
            return &formats[i];
    return NULL;
}

static int begin(struct programs *programs, struct error *err) {
    const uint8_t *data;
    size_t size;
    int rc = byte_stream_peek(&programs->stream, MAGIC_MAX, &data, &size, err);
    if (rc)
        return rc;
    const struct format *format = recognise(data, size);
    if (!format)
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "%s is damaged, or compressed in a way that prebake does not know",
                         programs->name);
    rc = process_find(format->program, &programs->path, err);
    if (rc)
        return error_wrap(err, rc, "%s can't be decompressed", programs->name);
    programs->argv[0] = programs->path;
    for (size_t i = 0; i < ARGUMENTS_MAX; i++)
        programs->argv[i + 1] = format->arguments[i];
    return filter_open(programs->argv, give, programs, &programs->filter, err);
}

static void close_programs(void *state) {
    struct programs *programs = state;
    filter_close(&programs->filter);
    free(programs->path);
    free(programs);
}

static int open_programs(void **state, byte_source source, void *context, const char *name,
                         struct error *err) {
    struct programs *programs = calloc(1, sizeof *programs);
    if (!programs)
        return error_oom(err, "decompressing");
    programs->name = name;
    byte_stream_begin(&programs->stream, source, context, 0);
    int rc = begin(programs, err);
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
    return ((const struct programs *)state)->stream.position;
}

const struct unpacking unpacker_programs = {
    .open = open_programs,
    .read = read_programs,
    .consumed = consumed,
    .close = close_programs,
};
