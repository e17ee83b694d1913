/* Packing modules the way kbuild does, and unpacking them with a bound. One codec a file. */
#ifndef KMOD_MODULE_COMPRESSION_H
#define KMOD_MODULE_COMPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP, /* without name and time, level 9 */
    COMPRESSION_XZ,   /* one stream, CRC32, 1 MiB dictionary: what the kernel's decoder takes */
    COMPRESSION_ZSTD, /* level 3, one frame with its content size and checksum */
};

/* How a packed module was packed, from its first bytes. */
struct compression_parameters {
    const char *check; /* of the content: "none", "crc32", "crc64", "sha256", "xxh64" */
    uint64_t window;   /* bytes that whoever unpacks it must keep: xz's dictionary */
    bool sized;        /* it says how large its content is */
    bool extended;     /* gzip: its header has more than a name */
    bool filtered;     /* xz: something else than LZMA2 had the content first */
};

/* "none", "gzip", "xz", "zstd" → value; −EINVAL for another word. */
int compression_parse(const char *word, enum compression *compression) MUST_CHECK;
const char *compression_name(enum compression compression);
/* What is put behind ".ko": "", ".gz", ".xz", ".zst". */
const char *compression_suffix(enum compression compression);
/* By magic bytes. */
enum compression compression_detect(const void *data, size_t size);

/*
 * Packs `size` bytes to the end of `out`. The result is a function of the input (and the library's
 * version) alone. More than 1 GiB is −EFBIG (ERROR_REFUSED).
 */
int compression_pack(enum compression compression, const void *data, size_t size,
                     struct buffer *out, struct error *err) MUST_CHECK;

/*
 * Unpacks at most `max` bytes to the end of `out`. −EBADMSG (ERROR_DAMAGED) for a broken,
 * truncated or longer stream, for a second one, and for trailing bytes; `name` is for the
 * sentence. Memory follows what really comes out: a header that claims more costs nothing. After
 * a failure `out` may hold a part of the content.
 */
int compression_unpack(enum compression compression, const void *data, size_t size, size_t max,
                       const char *name, struct buffer *out, struct error *err) MUST_CHECK;

/* Of a stream that compression_unpack() takes; all zero, the check "none", when it is not packed.
 */
void compression_describe(enum compression compression, const void *data, size_t size,
                          struct compression_parameters *parameters);

#endif
