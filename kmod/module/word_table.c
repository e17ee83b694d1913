#include "kmod/module/word_table.h"

#include <elf.h>
#include <string.h>

#define WORD 4

static int damaged(struct error *err, const struct elf_module *elf,
                   const struct elf_section *section, const char *what) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: its section %s %s", elf->name, section->name,
                     what);
}

static int collect(const struct elf_module *elf, const struct elf_section *section,
                   const struct elf_section *relocations, struct word_table *words,
                   struct error *err) {
    if (relocations->size % sizeof(Elf64_Rela) != 0)
        return damaged(err, elf, section, "has half a relocation");
    for (size_t at = 0; at < relocations->size; at += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        memcpy(&rela, relocations->data + at, sizeof(rela));
        if (rela.r_offset % WORD != 0 || rela.r_offset / WORD >= words->count)
            return damaged(err, elf, section, "has a relocation at a place that holds no word");
        if (ELF64_R_SYM(rela.r_info) >= elf->symbol_count)
            return damaged(err, elf, section, "has a relocation of a symbol that is not there");
        const uint8_t **word = &words->relocations[rela.r_offset / WORD];
        if (*word)
            return damaged(err, elf, section, "has two relocations at one place");
        *word = relocations->data + at;
    }
    return 0;
}

int word_table_open(const struct elf_module *elf, const struct elf_section *section,
                    struct word_table *words, struct error *err) {
    *words = (struct word_table){.count = section->size / WORD};
    if (section->size != section->load_size || section->size % WORD != 0)
        return damaged(err, elf, section, "is not a table in the file");
    words->relocations = calloc(words->count + 1, sizeof(*words->relocations));
    if (!words->relocations)
        return error_oom(err, "reading a module's relocations");
    int rc = 0;
    for (size_t i = 1; rc == 0 && i < elf->section_count; i++)
        if (elf->sections[i].type == SHT_RELA &&
            elf->sections[i].info == (size_t)(section - elf->sections))
            rc = collect(elf, section, &elf->sections[i], words, err);
    if (rc < 0)
        word_table_release(words);
    return rc;
}

bool word_table_symbol(const struct word_table *words, const struct elf_module *elf, size_t index,
                       struct elf_symbol *symbol, uint32_t *type) {
    if (!words->relocations[index])
        return false;
    Elf64_Rela rela;
    memcpy(&rela, words->relocations[index], sizeof(rela));
    elf_module_symbol(elf, ELF64_R_SYM(rela.r_info), symbol);
    if (ELF64_R_SYM(rela.r_info) == STN_UNDEF)
        symbol->section = SHN_ABS;
    symbol->value += (uint64_t)rela.r_addend;
    *type = (uint32_t)ELF64_R_TYPE(rela.r_info);
    return true;
}

void word_table_release(struct word_table *words) {
    free(words->relocations);
    *words = (struct word_table){.relocations = NULL};
}
