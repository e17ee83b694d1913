/*
 * What a module itself exports, read as modpost and depmod read it: by the symbols that
 * EXPORT_SYMBOL() leaves behind.
 *
 *     __ksymtab_NAME    in section __ksymtab, or __ksymtab_gpl for EXPORT_SYMBOL_GPL()
 *     __crc_NAME        its version: an absolute symbol, or a place that holds 4 bytes of CRC
 *     __kstrtabns_NAME  its namespace: a string in __ksymtab_strings
 */
#ifndef KMOD_MODULE_MODULE_EXPORTS_H
#define KMOD_MODULE_MODULE_EXPORTS_H

#include "kmod/module/elf_module.h"
#include "kmod/module/export_table.h"

/*
 * Fills `exports`, sorted, with `owner` and `sibling` in each. ERROR_DAMAGED: a symbol exported
 * twice, a CRC or a namespace outside its section.
 */
int module_exports_read(const struct elf_module *elf, const char *owner, size_t sibling,
                        struct export_table *exports, struct error *err) MUST_CHECK;

#endif
