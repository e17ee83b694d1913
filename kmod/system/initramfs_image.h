/*
 * One initramfs image, read as the kernel does (init/initramfs.c, unpack_to_rootfs):
 *
 *     [ zero bytes | cpio archive | compressed [ zero bytes | cpio archive ]… ]…
 *
 * Distributions put an archive with microcode in front, uncompressed. What the kernel would pass
 * over with a complaint is an error here: nobody can say what is in it. So is an archive that
 * begins at no multiple of four, and for prebake-node whatever follows an lzma part
 * (packed_stream.h).
 */
#ifndef KMOD_INITRAMFS_IMAGE_H
#define KMOD_INITRAMFS_IMAGE_H

#include "kmod/system/cpio.h"

/*
 * Visits every entry of every archive in `fd`; stops at the first visit that returns non-zero and
 * returns that. ERROR_DAMAGED, naming `name`: it can't be read to its end, or unpacks to more than
 * 16 GiB. A pending SIGINT or SIGTERM ends it with −EINTR.
 */
int initramfs_image_walk(int fd, const char *name,
                         int (*visit)(void *context, struct cpio_entry *entry, struct error *err),
                         void *context, struct error *err) MUST_CHECK;

#endif
