/* Module.symvers of a kernel's headers where a system has them, to tell whether they changed. */
#ifndef KMOD_KERNEL_SYMVERS_H
#define KMOD_KERNEL_SYMVERS_H

#include "base/digest.h"
#include "base/error.h"
#include "base/root.h"

/*
 * The digest of /lib/modules/<kernel>/build/Module.symvers, links inside the root followed.
 * −ENOENT without a sentence when the kernel has no headers here.
 */
int kernel_symvers_digest(const struct root *root, const char *kernel,
                          char sha256[static DIGEST_HEX_SIZE], struct error *err) MUST_CHECK;

#endif
