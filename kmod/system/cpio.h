/* Reading cpio archives in the format of initramfs images ("newc"; the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst, init/initramfs.c). */
#ifndef KMOD_CPIO_H
#define KMOD_CPIO_H

#include <stdbool.h>

#include "kmod/system/byte_stream.h"

#define CPIO_MAGIC_SIZE 6

/* Whether an archive begins here. */
bool cpio_is_magic(const uint8_t data[static CPIO_MAGIC_SIZE]);

struct cpio_entry {
    const char *path; /* as it stands there */
    uint32_t mode;
    uint64_t size;
    /* What is left of the content, as a byte_source: pass the entry as its context. What the
     * visitor does not read is passed over. */
    uint64_t left;
    struct byte_stream *stream;
    const char *archive; /* its name, for sentences */
};

int cpio_entry_read(void *entry, void *data, size_t size, size_t *got,
                    struct error *err) MUST_CHECK;

/*
 * Visits every entry of the archive that begins at the stream's position, which is then behind its
 * "TRAILER!!!". Stops at the first visit that returns non-zero, and returns that. ERROR_DAMAGED: it
 * does not parse, or ends before the trailer.
 */
int cpio_walk(struct byte_stream *stream, const char *name,
              int (*visit)(void *context, struct cpio_entry *entry, struct error *err),
              void *context, struct error *err) MUST_CHECK;

#endif
