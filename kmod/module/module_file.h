/*
 * A module as a file: compressed or not, signed or not, in memory and bounded.
 *
 *     [ compression [ ELF object | PKCS#7 | struct module_signature | "~Module signature
 * appended~\n" ] ]
 */
#ifndef KMOD_MODULE_FILE_H
#define KMOD_MODULE_FILE_H

#include "base/buffer.h"
#include "base/error.h"
#include "kmod/module/compression.h"

#define MODULE_FILE_MAX (512UL << 20) /* unpacked; a real nvidia.ko with debug data is 185 MB */

struct module_file {
    char *name;                   /* for sentences */
    enum compression compression; /* how it was packed */
    struct compression_parameters packing;
    size_t packed_size;    /* of the file */
    struct buffer content; /* unpacked, signature included */
    size_t elf_size;       /* content.size without the appended signature */
};

/*
 * Reads `path` of this machine (a link is followed), unpacks it and finds its signature. The caller
 * releases `file`, which is empty after a failure. ERROR_DAMAGED: not a regular file, empty, a
 * compressed stream that is not whole, no ELF object, an impossible signature, larger than the
 * bound. ERROR_INTERNAL: missing or unreadable. What is inside the ELF object is not looked at.
 */
int module_file_read(const char *path, struct module_file *file, struct error *err) MUST_CHECK;
int module_file_read_fd(int fd, const char *name, struct module_file *file,
                        struct error *err) MUST_CHECK;
/* The same for bytes that are in memory already, `name` being for sentences; it takes them over. */
int module_file_take(struct buffer *packed, const char *name, struct module_file *file,
                     struct error *err) MUST_CHECK;
void module_file_release(struct module_file *file);
#define AUTO_MODULE_FILE AUTO(module_file_release)

#endif
