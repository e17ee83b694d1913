/* Verifying modules against kernel headers: joins toolchain's headers and kmod's verify. */
#ifndef BUILDER_TARGET_H
#define BUILDER_TARGET_H

#include "kmod/module/verify.h"
#include "toolchain/kernel_headers.h"

/* The headers as verify's plain data; `verify` borrows from them and from the names. */
struct target {
    struct verify_target verify;
    char *vermagic_name;
    char *config_name;
    char *symvers_name;
};

/*
 * `certificate`: the path of whose signature modules must have, or NULL. A kernel that forces
 * signatures forces none here: a bundle is unsigned. −ENOMEM.
 */
int target_open(const struct kernel_headers *headers, const char *certificate,
                struct target *target, struct error *err) MUST_CHECK;
void target_close(struct target *target);
#define AUTO_TARGET AUTO(target_close)

/* Whether modules fail, and for nothing but their signatures: that is ERROR_SIGNING. */
bool target_only_signatures_fail(const struct verify_report *report);

/*
 * Reads the module files and verifies them as one set. ERROR_DAMAGED (ERROR_SIGNING when it is
 * about signatures alone) with the first failure and how many there are when one would not load.
 */
int target_verify_paths(const struct kernel_headers *headers, const char *certificate,
                        const struct strlist *paths, struct error *err) MUST_CHECK;

#endif
