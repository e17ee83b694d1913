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
    const char *vermagic; /* exact, trailing space kept */
    uint16_t elf_machine;
    bool modversions;
    const char *symvers; /* text of Module.symvers */
    size_t symvers_size;
    const char *symvers_name; /* its path, for sentences */
};

/* One failed check: a sentence with both values. */
struct verify_failure {
    const char
        *check; /* "vermagic", "crc", "symbol", "licence", "namespace", "machine", "modinfo" … */
    char *symbol; /* NULL when it is about no symbol */
    char *wanted;
    char *found;
    char *text; /* the sentence */
};

struct verify_verdict {
    char *file;
    struct verify_failure *failures;
    size_t failure_count; /* 0: it will load */
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
 */
int verify_modules(const struct verify_target *target, const struct module_file *files,
                   size_t count, struct verify_report *report, struct error *err) MUST_CHECK;
void verify_report_release(struct verify_report *report);
#define AUTO_VERIFY_REPORT AUTO(verify_report_release)

#endif
