/*
 * What the kernel looks for at a module's end (include/linux/module_signature.h): a line, and
 * before it twelve bytes that say how much of what precedes them is the signature.
 */
#ifndef KMOD_MODULE_SIGNATURE_TRAILER_H
#define KMOD_MODULE_SIGNATURE_TRAILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SIGNATURE_TRAILER_SIZE (12 + 28) /* the twelve bytes and the line */

struct signature_trailer {
    bool present;
    size_t elf_size; /* what is left of the file when the signature is taken away */
    size_t der_size; /* the CMS message, which begins at elf_size */
};

/*
 * Looks at the end of a module. Returns 0 also when there is no signature; −EBADMSG
 * (ERROR_DAMAGED) when there is a magic line but the kernel would not take what stands before it.
 */
int signature_trailer_find(const void *data, size_t size, struct signature_trailer *trailer,
                           struct error *err) MUST_CHECK;

/* Writes the trailer of a CMS message of `der_size` bytes. */
void signature_trailer_write(uint32_t der_size, uint8_t out[static SIGNATURE_TRAILER_SIZE]);

#endif
