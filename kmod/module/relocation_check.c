#include "kmod/module/relocation_check.h"

#include <elf.h>
#include <string.h>

#include "kmod/module/verdict.h"

/* Written by livepatch's own linker, applied when the patched module comes. */
#define RELA_LIVEPATCH 0x00100000

struct kind {
    uint32_t first, last; /* r_type */
    unsigned width;       /* bytes that are written */
};

static const struct kind x86_64_kinds[] = {
    {R_X86_64_NONE, R_X86_64_NONE, 0}, {R_X86_64_64, R_X86_64_64, 8},
    {R_X86_64_PC32, R_X86_64_PC32, 4}, {R_X86_64_PLT32, R_X86_64_PLT32, 4},
    {R_X86_64_32, R_X86_64_32S, 4},    {R_X86_64_PC64, R_X86_64_PC64, 8},
};

static const struct kind aarch64_kinds[] = {
    {R_AARCH64_NONE, R_AARCH64_NONE, 0},
    {256, 256, 0}, /* NONE, as it was first numbered */
    {R_AARCH64_ABS64, R_AARCH64_ABS64, 8},
    {R_AARCH64_ABS32, R_AARCH64_ABS32, 4},
    {R_AARCH64_ABS16, R_AARCH64_ABS16, 2},
    {R_AARCH64_PREL64, R_AARCH64_PREL64, 8},
    {R_AARCH64_PREL32, R_AARCH64_PREL32, 4},
    {R_AARCH64_PREL16, R_AARCH64_PREL16, 2},
    {R_AARCH64_MOVW_UABS_G0, R_AARCH64_CONDBR19, 4},
    {R_AARCH64_JUMP26, R_AARCH64_MOVW_PREL_G3, 4},
    {R_AARCH64_LDST128_ABS_LO12_NC, R_AARCH64_LDST128_ABS_LO12_NC, 4},
};

/* NULL for one that the kernel of this architecture does not know. */
static const struct kind *find_kind(uint16_t machine, uint32_t type) {
    bool arm = machine == EM_AARCH64;
    const struct kind *kinds = arm ? aarch64_kinds : x86_64_kinds;
    size_t count = arm ? ARRAY_SIZE(aarch64_kinds) : ARRAY_SIZE(x86_64_kinds);
    for (size_t i = 0; i < count; i++)
        if (type >= kinds[i].first && type <= kinds[i].last)
            return &kinds[i];
    return NULL;
}

/* Where there are no bytes in the file there are zeros in memory. No width is left to a loop: a
 * module has hundreds of thousands of these places. */
static bool holds_zeros(const struct elf_section *target, uint64_t offset, unsigned width) {
    static const uint8_t zeros[8];
    if (offset >= target->size || width > target->size - offset)
        return true;
    const uint8_t *place = target->data + offset;
    return width == 4   ? memcmp(place, zeros, 4) == 0
           : width == 8 ? memcmp(place, zeros, 8) == 0
                        : memcmp(place, zeros, width) == 0;
}

/* What is wrong with one relocation of the section `target`, or NULL. */
static const char *find_fault(const struct elf_module *elf, const struct elf_section *target,
                              const Elf64_Rela *rela) {
    bool x86 = elf->identity.machine == EM_X86_64;
    const struct kind *kind = find_kind(elf->identity.machine, ELF64_R_TYPE(rela->r_info));
    if (!kind)
        return "of a kind that the kernel does not know";
    if (ELF64_R_SYM(rela->r_info) >= elf->symbol_count)
        return "of a symbol that is not there";
    if (rela->r_offset > target->load_size || kind->width > target->load_size - rela->r_offset)
        return "at a place outside";
    if (x86 && !holds_zeros(target, rela->r_offset, kind->width))
        return "at a place that does not hold zeros";
    return NULL;
}

static int fail(struct candidate *candidate, const char *check, const struct elf_section *section,
                const char *what) {
    struct verdict_facts facts = {.check = check, .found = what};
    return verdict_add(candidate->verdict, &facts, "its section %s has %s", section->name, what);
}

static int check_entries(struct candidate *candidate, const struct elf_section *section,
                         const struct elf_section *target) {
    if (section->size % sizeof(Elf64_Rela) != 0)
        return fail(candidate, "relocation", section, "half a relocation at its end");
    for (size_t at = 0; at < section->size; at += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        memcpy(&rela, section->data + at, sizeof(rela));
        const char *fault = find_fault(&candidate->elf, target, &rela);
        if (!fault)
            continue;
        struct verdict_facts facts = {.check = "relocation", .found = fault};
        return verdict_add(
            candidate->verdict, &facts, "its section %s has a relocation (type %u, number %zu) %s",
            section->name, (unsigned)ELF64_R_TYPE(rela.r_info), at / sizeof(rela), fault);
    }
    return 0;
}

static int check_section(struct candidate *candidate, const struct elf_section *section) {
    const struct elf_module *elf = &candidate->elf;
    if ((section->flags & SHF_WRITE) && (section->flags & SHF_EXECINSTR))
        return fail(candidate, "section", section, "both write and execute permission");
    if (section->type != SHT_REL && section->type != SHT_RELA)
        return 0;
    const struct elf_section *target =
        section->info < elf->section_count ? &elf->sections[section->info] : NULL;
    if (!target || !(target->flags & SHF_ALLOC) || (section->flags & RELA_LIVEPATCH))
        return 0;
    if (section->type == SHT_REL)
        return fail(candidate, "relocation", section, "relocations without addends");
    return check_entries(candidate, section, target);
}

int relocation_check_run(struct candidate *candidate) {
    int rc = 0;
    for (size_t i = 1; rc == 0 && i < candidate->elf.section_count; i++)
        rc = check_section(candidate, &candidate->elf.sections[i]);
    return rc;
}
