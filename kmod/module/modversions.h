/*
 * The symbol versions a module was compiled against: a CRC for each symbol it imports, and one for
 * "module_layout" (kernel: include/linux/module.h, kernel/module/version.c, scripts/mod/modpost.c).
 */
#ifndef KMOD_MODULE_MODVERSIONS_H
#define KMOD_MODULE_MODVERSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kmod/module/elf_module.h"

struct modversion {
    const char *name; /* inside the elf_module */
    uint32_t crc;
};

struct modversion_list {
    struct modversion *items; /* sorted by name; of equal names the module's first comes first */
    size_t count;
    bool present; /* the module has the section */
};

struct modversions {
    struct modversion_list basic;    /* __versions; names up to 55 bytes in the usual format */
    struct modversion_list extended; /* __version_ext_crcs and __version_ext_names, from 6.14 */
};

/* ERROR_DAMAGED: sections that do not hold whole entries. */
int modversions_read(const struct elf_module *elf, struct modversions *versions,
                     struct error *err) MUST_CHECK;
void modversions_release(struct modversions *versions);
#define AUTO_MODVERSIONS AUTO(modversions_release)

/* The list that a kernel goes by: of one that reads the extended one, that where there is one. */
const struct modversion_list *modversions_effective(const struct modversions *versions,
                                                    bool reads_extended);

/* The first entry of that name, or NULL. */
const struct modversion *modversions_find(const struct modversion_list *list, const char *name);

/* Whether the fixed-size entries of __versions have room for this name. */
bool modversions_fits_basic(const char *name);

#endif
