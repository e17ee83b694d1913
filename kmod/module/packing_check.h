/* Can whoever loads the module unpack it: the kernel's own decoders, and kmod of any age? */
#ifndef KMOD_MODULE_PACKING_CHECK_H
#define KMOD_MODULE_PACKING_CHECK_H

#include "kmod/module/candidate.h"

/*
 * xz: CRC32 or no check, a dictionary of at most 1 MiB; zstd: the content's size in the frame;
 * gzip: only for kernels whose own modules are packed so. 0 or −ENOMEM.
 */
int packing_check_run(const struct verify_target *target, struct candidate *candidate) MUST_CHECK;

#endif
