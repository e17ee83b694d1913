/*
 * The target's kernel headers: where they are in the root and what they say a module must be.
 */
#ifndef TOOLCHAIN_KERNEL_HEADERS_H
#define TOOLCHAIN_KERNEL_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/keyvalue.h"
#include "base/root.h"

struct kernel_headers {
    char *release;   /* UTS_RELEASE of include/generated/utsrelease.h: "6.1.0-47-cloud-amd64" */
    char *build_dir; /* inside the root, canonical: "/usr/src/linux-headers-6.1.0-47-cloud-amd64" */
    char *shown_dir; /* where that is on this machine, for sentences */
    char *vermagic;  /* what modpost would write, trailing space kept */
    char *machine;   /* as uname -m and dkms say it: "x86_64", "aarch64" */
    uint16_t elf_machine; /* EM_X86_64, EM_AARCH64 */
    char *compiler;       /* CONFIG_CC_VERSION_TEXT without quotes: "gcc-12 (Debian …) 12.2.0" */
    char *signature_hash; /* CONFIG_MODULE_SIG_HASH, "" when the kernel has no module signatures */
    const char *compression; /* "none", "gzip", "xz" or "zstd": what CONFIG_MODULE_COMPRESS* says */
    bool modversions;        /* CONFIG_MODVERSIONS */
    bool extended_modversions;
    bool signature_forced;  /* CONFIG_MODULE_SIG_FORCE */
    bool livepatch;         /* CONFIG_LIVEPATCH */
    bool plt_sections;      /* arm64: a module needs them */
    bool ecdsa;             /* CONFIG_CRYPTO_ECDSA, built in */
    bool p521;              /* with the curve P-521 */
    struct keyvalue config; /* .config (falls back to include/config/auto.conf) */
    struct buffer symvers;  /* the text of Module.symvers */
};

/*
 * The releases beneath /lib/modules of the root that have headers (a build link that leads to a
 * directory with include/), sorted.
 */
int kernel_headers_list(const struct root *root, struct strlist *releases,
                        struct error *err) MUST_CHECK;

/*
 * Which kernel is meant when none is named: the only one with headers; for the host's own "/" with
 * several, the running one if it has headers. Otherwise ERROR_USAGE listing them, or
 * ERROR_NO_HEADERS when there is none. The caller frees.
 */
int kernel_headers_choose(const struct root *root, char **release, struct error *err) MUST_CHECK;

/*
 * Reads the headers for `release`. ERROR_NO_HEADERS when /lib/modules/RELEASE/build or what it
 * leads to is missing (names the package to install and which releases are there), ERROR_DAMAGED
 * when a needed file in it is missing or says something impossible.
 */
int kernel_headers_read(const struct root *root, const char *release,
                        struct kernel_headers *headers, struct error *err) MUST_CHECK;

/*
 * The same for headers in the directory `build_dir` of the root, wherever that is; `release` is
 * what they must be for, NULL for any.
 */
int kernel_headers_read_at(const struct root *root, const char *build_dir, const char *release,
                           struct kernel_headers *headers, struct error *err) MUST_CHECK;

void kernel_headers_release(struct kernel_headers *headers);
#define AUTO_KERNEL_HEADERS AUTO(kernel_headers_release)

#endif
