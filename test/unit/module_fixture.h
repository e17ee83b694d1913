/*
 * Small kernel modules for tests, written as data: assembled by the real assembler into the test's
 * work folder, then read back as a module file.
 */
#ifndef TEST_UNIT_MODULE_FIXTURE_H
#define TEST_UNIT_MODULE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "kmod/module/module_file.h"
#include "kmod/module/verify.h"

#define FIXTURE_RELEASE "6.1.0-fixture"
#define FIXTURE_VERMAGIC FIXTURE_RELEASE " SMP mod_unload modversions "
#define FIXTURE_LAYOUT_CRC 0xca916cb2
#define FIXTURE_ALPHA_CRC 0x0a0a0a0a
#define FIXTURE_GPL_CRC 0x99bbccdd
#define FIXTURE_SPACED_CRC 0x12345678

/* What each of them exports, see module_fixture_target(): */
#define FIXTURE_ALPHA "alpha"   /* EXPORT_SYMBOL by vmlinux */
#define FIXTURE_GPL "gpl_alpha" /* EXPORT_SYMBOL_GPL by vmlinux */
#define FIXTURE_SPACED "spaced" /* EXPORT_SYMBOL in namespace SPACE by drivers/other */

struct fixture_symbol {
    const char *name;
    uint32_t crc;
    bool weak;              /* imports */
    bool gpl_only;          /* exports */
    bool without_crc;       /* exports */
    bool absolute_crc;      /* exports: as kernels before 5.19 wrote it */
    const char *name_space; /* exports */
};

#define FIXTURE_SYMBOLS_MAX 8

struct module_fixture {
    const char *file;                                    /* NULL: "fixture.ko" */
    const char *modinfo[FIXTURE_SYMBOLS_MAX];            /* empty: FIXTURE_MODINFO */
    struct fixture_symbol imports[FIXTURE_SYMBOLS_MAX];  /* undefined symbols */
    struct fixture_symbol exports[FIXTURE_SYMBOLS_MAX];  /* */
    struct fixture_symbol versions[FIXTURE_SYMBOLS_MAX]; /* __versions, module_layout put first */
    struct fixture_symbol extended[FIXTURE_SYMBOLS_MAX]; /* __version_ext_*, as given; or none */
    bool without_versions;                               /* no __versions at all */
    bool without_layout;                                 /* no module_layout in __versions */
    const char *struct_name;                             /* in struct module; NULL: name= */
    const char *assembly;                                /* more of the source, or NULL */
};

#define FIXTURE_MODINFO                                                                            \
    { "name=fixture", "vermagic=" FIXTURE_VERMAGIC, "license=GPL" }

/* A module that imports FIXTURE_ALPHA and has nothing wrong. */
#define FIXTURE_GOOD                                                                               \
    {                                                                                              \
        .imports = {{.name = FIXTURE_ALPHA}}, .versions = {                                        \
            {.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC}                                      \
        }                                                                                          \
    }

/* Assembles and reads it; false with a message on stderr. The caller releases `file`. */
bool module_fixture_make(const struct module_fixture *fixture, struct module_file *file);

/* The kernel that the fixtures are for, with a Module.symvers of the symbols above, and one of
 * "unversioned", whose CRC is 0. */
struct verify_target module_fixture_target(void);

/*
 * Makes `count` fixtures (each with its own file name) and verifies them as one set for
 * module_fixture_target() or `target`. The caller releases the report.
 */
bool module_fixture_verify(const struct module_fixture *fixtures, size_t count,
                           const struct verify_target *target, struct verify_report *report);

/* Whether that module alone fails with exactly one failure, and these facts (NULL for none). */
bool module_fixture_fails(const struct module_fixture *fixture, const char *check,
                          const char *symbol, const char *wanted, const char *found);
/* Whether that module alone will load. */
bool module_fixture_loads(const struct module_fixture *fixture);

/* A copy of the file that a test may damage. */
bool module_fixture_copy(const struct module_file *file, struct module_file *copy);

#endif
