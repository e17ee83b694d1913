/* BUILD_EXCLUSIVE_*: the kernels that a source says it is for. */
#ifndef TOOLCHAIN_BUILD_EXCLUSIVE_H
#define TOOLCHAIN_BUILD_EXCLUSIVE_H

#include "toolchain/dkms_values.h"
#include "toolchain/kernel_headers.h"

/*
 * Whether `text` matches the POSIX extended regular expression as bash's =~ would have it; one
 * that does not compile matches nothing.
 */
bool build_exclusive_matches(const char *text, const char *expression);

/*
 * NULL in `why` when the source is for this kernel, else a sentence that names the directive; the
 * caller frees. BUILD_EXCLUSIVE_KERNEL and _ARCH are expressions for the release and the machine,
 * _KERNEL_MIN and _KERNEL_MAX versions, _CONFIG a list of symbols that must be y or m, or must
 * not with "!" in front. 0 or −ENOMEM.
 */
int build_exclusive_check(const struct dkms_values *values, const struct kernel_headers *headers,
                          char **why) MUST_CHECK;

#endif
