#include "kmod/module/packing_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kmod/module/verdict.h"

#define DICTIONARY_MAX (1U << 20) /* kbuild: xz --check=crc32 --lzma2=dict=1MiB */

static int check_xz_check(struct candidate *candidate) {
    const char *check = candidate->file->packing.check;
    if (strcmp(check, "crc32") == 0 || strcmp(check, "none") == 0)
        return 0;
    struct verdict_facts facts = {.check = "packing", .wanted = "crc32", .found = check};
    return verdict_add(candidate->verdict, &facts,
                       "its xz stream has the check %s, which the kernel's decoder does not know: "
                       "pack it with --check=crc32",
                       check);
}

static int check_xz_dictionary(struct candidate *candidate) {
    const struct compression_parameters *packing = &candidate->file->packing;
    if (packing->window <= DICTIONARY_MAX)
        return 0;
    char found[32];
    snprintf(found, sizeof(found), "%" PRIu64, packing->window);
    struct verdict_facts facts = {.check = "packing", .wanted = "1048576", .found = found};
    return verdict_add(candidate->verdict, &facts,
                       "its xz stream needs a dictionary of %s bytes, kernels are made for 1 MiB: "
                       "pack it with --lzma2=dict=1MiB",
                       found);
}

/* The kernel's decoder knows some filters for machine code, each where its configuration says so.
 */
static int check_xz_filters(struct candidate *candidate) {
    if (!candidate->file->packing.filtered)
        return 0;
    struct verdict_facts facts = {.check = "packing", .wanted = "lzma2", .found = "other filters"};
    return verdict_add(candidate->verdict, &facts,
                       "its xz stream has another filter before LZMA2, which the kernel's decoder "
                       "need not know: pack it with --lzma2=dict=1MiB alone");
}

static int check_xz(struct candidate *candidate) {
    int rc = check_xz_check(candidate);
    if (rc == 0)
        rc = check_xz_dictionary(candidate);
    return rc == 0 ? check_xz_filters(candidate) : rc;
}

static int check_zstd(struct candidate *candidate) {
    if (candidate->file->packing.sized)
        return 0;
    struct verdict_facts facts = {
        .check = "packing", .wanted = "the content's size", .found = "none"};
    return verdict_add(candidate->verdict, &facts,
                       "its zstd frame does not tell the content's size, which kmod wants from 34 "
                       "on: pack the file, not a pipe");
}

static int check_gzip(const struct verify_target *target, struct candidate *candidate) {
    struct verdict_facts facts = {.check = "packing",
                                  .wanted = "CONFIG_MODULE_COMPRESS_GZIP",
                                  .found = "not set",
                                  .source = target->config_name};
    if (!target->gzip)
        return verdict_add(candidate->verdict, &facts,
                           "it is packed with gzip, kernel %s's own modules are not: the kmod "
                           "there may be built without it",
                           target->release);
    if (!candidate->file->packing.extended)
        return 0;
    facts = (struct verdict_facts){
        .check = "packing", .wanted = "a plain gzip header", .found = "more fields"};
    return verdict_add(candidate->verdict, &facts,
                       "its gzip header has fields that the kernel's decoder does not skip");
}

int packing_check_run(const struct verify_target *target, struct candidate *candidate) {
    switch (candidate->file->compression) {
    case COMPRESSION_GZIP:
        return check_gzip(target, candidate);
    case COMPRESSION_XZ:
        return check_xz(candidate);
    case COMPRESSION_ZSTD:
        return check_zstd(candidate);
    default:
        return 0;
    }
}
