/* The formats that an initramfs or a module may be compressed in: the kernel's list
 * (lib/decompress.c) and lz4's own frames. */
#ifndef KMOD_PACKED_FORMAT_H
#define KMOD_PACKED_FORMAT_H

#include "kmod/system/byte_stream.h"

enum packed_format {
    PACKED_GZIP,
    PACKED_BZIP2,
    PACKED_LZMA,
    PACKED_XZ,
    PACKED_LZ4_LEGACY,
    PACKED_LZ4,
    PACKED_ZSTD,
    PACKED_LZOP,
    PACKED_FORMATS /* how many */
};

/* Tells the format of what `input` begins with, and takes nothing. ERROR_DAMAGED, naming `name`:
 * none of them. */
int packed_format_find(struct byte_stream *input, const char *name, enum packed_format *format,
                       struct error *err) MUST_CHECK;

#endif
