/*
 * Arbitrary bytes as a packed module, for each decoder, whatever the magic says; and as content
 * that is packed and must come back. The bound holds: what claims more costs nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/module/compression.h"

#define UNPACKED_MAX (1UL << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack(enum compression format, const uint8_t *data, size_t size) {
    AUTO_BUFFER struct buffer out = {0};
    struct compression_parameters parameters;
    struct error err = {0};
    int rc = compression_unpack(format, data, size, UNPACKED_MAX, "fuzz", &out, &err);
    if (rc && err.kind != ERROR_DAMAGED)
        abort();
    if (out.size > UNPACKED_MAX || out.capacity > 2 * UNPACKED_MAX + (128UL << 10))
        abort();
    compression_describe(format, data, size, &parameters);
    if (!parameters.check || !*parameters.check)
        abort();
}

static void round_trip(enum compression format, const uint8_t *data, size_t size) {
    AUTO_BUFFER struct buffer packed = {0}, out = {0};
    struct error err = {0};
    if (compression_pack(format, data, size, &packed, &err) ||
        compression_unpack(format, packed.data, packed.size, size, "fuzz", &out, &err) ||
        out.size != size || (size > 0 && memcmp(out.data, data, size) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unpack(COMPRESSION_GZIP, data, size);
    unpack(COMPRESSION_XZ, data, size);
    unpack(COMPRESSION_ZSTD, data, size);
    if (size > 0)
        round_trip(data[0] % 2 ? COMPRESSION_ZSTD : COMPRESSION_GZIP, data, size);
    return 0;
}
