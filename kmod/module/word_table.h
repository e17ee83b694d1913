/*
 * What the relocations of a section put into each of its 4-byte words, found by the word's place:
 * a section is read in order, whatever the order of its relocations.
 */
#ifndef KMOD_MODULE_WORD_TABLE_H
#define KMOD_MODULE_WORD_TABLE_H

#include "kmod/module/elf_module.h"

struct word_table {
    const uint8_t **relocations; /* by word: an Elf64_Rela at any alignment, or NULL */
    size_t count;                /* words of the section */
};

/*
 * Collects the relocations of `section`, one of elf->sections; the elf_module must outlive the
 * table. Nothing to release after an error. −ENOMEM, or ERROR_DAMAGED: the section is not made of
 * words that are in the file, a relocation is cut off, lies outside the section or between two
 * words, or is of a symbol that is not there, or a word has two.
 */
int word_table_open(const struct elf_module *elf, const struct elf_section *section,
                    struct word_table *words, struct error *err) MUST_CHECK;

/*
 * Whether word `index` < count is relocated, and then what by: `*symbol` with the addend in its
 * value (absolute, without a name, where a relocation has no symbol), `*type` R_X86_64_PC32 ….
 */
bool word_table_symbol(const struct word_table *words, const struct elf_module *elf, size_t index,
                       struct elf_symbol *symbol, uint32_t *type);

void word_table_release(struct word_table *words);
#define AUTO_WORD_TABLE AUTO(word_table_release)

#endif
