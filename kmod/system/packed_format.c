#include "kmod/system/packed_format.h"

#include <string.h>

#define MAGIC_MAX 6

static const struct magic {
    const char *bytes;
    size_t size;
    enum packed_format format;
} magics[] = {
    {"\x1f\x8b", 2, PACKED_GZIP},
    {"\x1f\x9e", 2, PACKED_GZIP},
    {"BZh", 3, PACKED_BZIP2},
    {"\x5d\x00\x00", 3, PACKED_LZMA},
    {"\xfd"
     "7zXZ",
     6, PACKED_XZ},
    {"\x02\x21\x4c\x18", 4, PACKED_LZ4_LEGACY},
    {"\x04\x22\x4d\x18", 4, PACKED_LZ4},
    {"\x28\xb5\x2f\xfd", 4, PACKED_ZSTD},
    {"\x89LZO", 4, PACKED_LZOP},
};

int packed_format_find(struct byte_stream *input, const char *name, enum packed_format *format,
                       struct error *err) {
    const uint8_t *data;
    size_t held;
    int rc = byte_stream_peek(input, MAGIC_MAX, &data, &held, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
        if (held >= magics[i].size && !memcmp(data, magics[i].bytes, magics[i].size)) {
            *format = magics[i].format;
            return 0;
        }
    return error_set(err, ERROR_DAMAGED, EBADMSG,
                     "%s is damaged, or compressed in a way that prebake does not know", name);
}
