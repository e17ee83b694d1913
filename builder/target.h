/* Verifying modules against kernel headers: joins toolchain's headers and kmod's verify. */
#ifndef BUILDER_TARGET_H
#define BUILDER_TARGET_H

#include "kmod/module/verify.h"
#include "toolchain/kernel_headers.h"

/* The headers as verify's plain data; it borrows from `headers`. */
struct verify_target target_from_headers(const struct kernel_headers *headers);

/*
 * Reads the module files and verifies them as one set. ERROR_DAMAGED with the first failure and how
 * many there are when one would not load.
 */
int target_verify_paths(const struct kernel_headers *headers, const struct strlist *paths,
                        struct error *err) MUST_CHECK;

#endif
