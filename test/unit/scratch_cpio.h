/* cpio archives as initramfs images have them, made byte by byte, and packed by libarchive. Every
 * function ends the program when it can't do its work. */
#ifndef TEST_UNIT_SCRATCH_CPIO_H
#define TEST_UNIT_SCRATCH_CPIO_H

#include "base/buffer.h"

/* Adds a regular file. */
void scratch_cpio_add(struct buffer *cpio, const char *path, const void *data, size_t size);
void scratch_cpio_add_text(struct buffer *cpio, const char *path, const char *text);

/* Adds the trailer. */
void scratch_cpio_end(struct buffer *cpio);

/* Adds zero bytes up to a multiple of `alignment`. */
void scratch_cpio_pad(struct buffer *cpio, size_t alignment);

/* Adds `content` packed as "gzip", "bzip2", "lzma", "xz", "lz4", "zstd", or "lz4-legacy", the lz4
 * format that the kernel takes; "none" adds it as it is. */
void scratch_cpio_pack(struct buffer *out, const struct buffer *content, const char *format);

/* The file `path` of this machine gets the bytes. */
void scratch_cpio_write(const char *path, const struct buffer *bytes);

#endif
