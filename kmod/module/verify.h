/* Proof that a set of modules will load on a target kernel. */
#ifndef KMOD_MODULE_VERIFY_H
#define KMOD_MODULE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kmod/module/module_file.h"

/* What the target's headers say. Plain data: the toolchain layer fills it. */
struct verify_target {
    const char *release;
    const char *vermagic;      /* exact, trailing space kept */
    const char *vermagic_name; /* where it comes from, or NULL */
    uint16_t elf_machine;
    bool modversions;
    bool extended_modversions;  /* it reads __version_ext_crcs, too */
    bool livepatch;             /* CONFIG_LIVEPATCH */
    bool plt_sections;          /* it is an arm64 kernel that wants .plt and .init.plt */
    bool gzip;                  /* its own modules are packed with gzip: its kmod reads that */
    bool ecdsa;                 /* it can check ECDSA signatures from its start on */
    bool p521;                  /* those on that curve too */
    bool signature_forced;      /* CONFIG_MODULE_SIG_FORCE */
    const char *signature_hash; /* CONFIG_MODULE_SIG_HASH; NULL or "": it has none, any will do */
    const char *certificate;    /* path of whose signature it wants; NULL: anybody's or none */
    const char *config_name;    /* the file of the CONFIG_ symbols among these, or NULL */
    const char *symvers;        /* text of Module.symvers */
    size_t symvers_size;
    const char *symvers_name; /* its path, for sentences */
};

/*
 * One failed check. What comes out of a file is made printable (printable.h). The checks:
 *
 *     object     not a whole ELF object, no table of symbols, no struct module
 *     class      not 64-bit little-endian            machine    for another processor
 *     type       not relocatable                     modinfo    not exactly one name or vermagic
 *     vermagic   not the target's                    symbol     imported and exported by nobody
 *     crc        not the exporter's, or missing      licence    GPL-only export, other licence
 *     namespace  needed and not imported, or a list  export     somebody else exports it as well
 *     section    writable and executable, missing    relocation a kind, place or symbol it hasn't
 *     livepatch  on a kernel without                 signature  none, not the certificate's, or
 *     packing    the kernel's decoder can't read it             made in a way the kernel can't
 * check
 */
struct verify_failure {
    const char *check;
    char *symbol; /* NULL when it is about no symbol */
    char *wanted; /* NULL when there is no value to compare */
    char *found;
    char *source; /* the file that `wanted` comes from, or NULL */
    char *text;   /* the sentence */
};

#define VERIFY_FAILURES_MAX 1000 /* kept a module; a hostile one could have millions */

struct verify_verdict {
    char *file;
    struct verify_failure *failures;
    size_t failure_count;     /* 0: it will load */
    size_t failures_left_out; /* beyond VERIFY_FAILURES_MAX */
};

struct verify_report {
    struct verify_verdict *verdicts; /* one a file, in the order given */
    size_t count;
    size_t failed; /* verdicts with failures */
};

/*
 * Verifies `count` modules as one set: siblings may use each other's exports. Returns 0 with the
 * report also when modules fail (see report->failed); an error only when it could not judge
 * (memory, an unreadable Module.symvers). A hostile file gets a failure, never a crash.
 *
 * The rules are the kernel's (kernel/module/main.c, version.c, signing.c and decompress.c), and
 * stricter where it only warns or depends on what is loaded: the release word of vermagic counts
 * although the kernel ignores it where there are symbol versions; an import without a CRC fails; a
 * signature must be of the configured hash; a packed module must be what kbuild would write.
 */
int verify_modules(const struct verify_target *target, const struct module_file *files,
                   size_t count, struct verify_report *report, struct error *err) MUST_CHECK;
void verify_report_release(struct verify_report *report);
#define AUTO_VERIFY_REPORT AUTO(verify_report_release)

#endif
