#include "kmod/module/compression.h"

#include <string.h>

#include "kmod/module/codec_gzip.h"
#include "kmod/module/codec_sink.h"
#include "kmod/module/codec_xz.h"
#include "kmod/module/codec_zstd.h"

/* The libraries count in 32 bits; no module comes near. */
#define COMPRESSION_INPUT_MAX (1UL << 30)

struct format {
    const char *name;
    const char *suffix;
    const char *magic;
    size_t magic_size;
    int (*pack)(const void *data, size_t size, struct buffer *out, struct error *err);
    int (*unpack)(const void *data, size_t size, struct codec_sink *sink, struct error *err);
    void (*describe)(const void *data, size_t size, struct compression_parameters *parameters);
};

static int copy(const void *data, size_t size, struct buffer *out, struct error *err) {
    return buffer_append(out, data, size) ? error_oom(err, "copying a module") : 0;
}

static int copy_to_sink(const void *data, size_t size, struct codec_sink *sink, struct error *err) {
    return codec_sink_write(sink, data, size, err);
}

static void describe_plain(const void *data, size_t size,
                           struct compression_parameters *parameters) {
    (void)data;
    (void)size;
    (void)parameters;
}

static const struct format formats[] = {
    [COMPRESSION_NONE] = {"none", "", "", 0, copy, copy_to_sink, describe_plain},
    [COMPRESSION_GZIP] = {"gzip", ".gz", "\x1f\x8b", 2, codec_gzip_pack, codec_gzip_unpack,
                          codec_gzip_describe},
    [COMPRESSION_XZ] = {"xz", ".xz",
                        "\xfd"
                        "7zXZ\0",
                        6, codec_xz_pack, codec_xz_unpack, codec_xz_describe},
    [COMPRESSION_ZSTD] = {"zstd", ".zst", "\x28\xb5\x2f\xfd", 4, codec_zstd_pack, codec_zstd_unpack,
                          codec_zstd_describe},
};

int compression_parse(const char *word, enum compression *compression) {
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (!strcmp(word, formats[i].name)) {
            *compression = (enum compression)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *compression_name(enum compression compression) {
    return formats[compression].name;
}

const char *compression_suffix(enum compression compression) {
    return formats[compression].suffix;
}

enum compression compression_detect(const void *data, size_t size) {
    for (size_t i = COMPRESSION_NONE + 1; i < ARRAY_SIZE(formats); i++) {
        const struct format *format = &formats[i];
        if (size >= format->magic_size && !memcmp(data, format->magic, format->magic_size))
            return (enum compression)i;
    }
    return COMPRESSION_NONE;
}

int compression_pack(enum compression compression, const void *data, size_t size,
                     struct buffer *out, struct error *err) {
    if (size > COMPRESSION_INPUT_MAX)
        return error_set(err, ERROR_REFUSED, EFBIG, "%zu bytes are too many for a module", size);
    return formats[compression].pack(data, size, out, err);
}

int compression_unpack(enum compression compression, const void *data, size_t size, size_t max,
                       const char *name, struct buffer *out, struct error *err) {
    if (size > COMPRESSION_INPUT_MAX)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: %zu bytes are too many for a module",
                         name, size);
    struct codec_sink sink = {.out = out, .room = max, .name = name};
    return formats[compression].unpack(data, size, &sink, err);
}

void compression_describe(enum compression compression, const void *data, size_t size,
                          struct compression_parameters *parameters) {
    *parameters = (struct compression_parameters){.check = "none"};
    formats[compression].describe(data, size, parameters);
}
