/*
 * What a module itself exports, read where the kernel reads it (find_module_sections() in its
 * kernel/module/main.c): in sections that no strip takes away, not by local symbols.
 *
 *     __ksymtab, __ksymtab_gpl    an entry each for EXPORT_SYMBOL() and EXPORT_SYMBOL_GPL():
 *         0 value | 4 name | 8 namespace | 12    each the distance to it, so a relocation
 *     __kcrctab, __kcrctab_gpl    4 bytes of CRC for each entry, in the same order
 */
#ifndef KMOD_MODULE_MODULE_EXPORTS_H
#define KMOD_MODULE_MODULE_EXPORTS_H

#include "kmod/module/elf_module.h"
#include "kmod/module/export_table.h"

/*
 * Fills `exports`, sorted, with `owner` and `sibling` in each; their strings lie in the module.
 * −ENOMEM, or ERROR_DAMAGED: a table that is cut off, an entry without a name, a name or namespace
 * of more than 4096 bytes or without an end, a CRC outside its section, a symbol exported twice.
 */
int module_exports_read(const struct elf_module *elf, const char *owner, size_t sibling,
                        struct export_table *exports, struct error *err) MUST_CHECK;

#endif
