/*
 * A module's ELF object in memory, opened with libelf after its own bounds checks.
 *
 * Opening looks at every header, section and symbol once; what the other functions hand out then
 * lies inside the object and its strings end inside it. Nothing is copied: the module_file must
 * outlive the elf_module.
 */
#ifndef KMOD_MODULE_ELF_MODULE_H
#define KMOD_MODULE_ELF_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kmod/module/module_file.h"

/* What the first bytes say, before anything behind them is trusted. */
struct elf_identity {
    unsigned char elf_class;  /* ELFCLASS64 … */
    unsigned char byte_order; /* ELFDATA2LSB … */
    uint16_t type;            /* ET_REL … */
    uint16_t machine;         /* EM_X86_64 … */
};

struct elf_section {
    const char *name;
    uint32_t type;
    uint64_t flags;
    const uint8_t *data; /* NULL when it has no bytes in the file */
    size_t size;         /* of data */
    uint64_t load_size;  /* as its header says, .bss too */
    uint32_t link;       /* sh_link and sh_info, as they are: they may name no section */
    uint32_t info;
};

struct elf_symbol {
    const char *name;
    uint64_t value;
    uint16_t section;      /* st_shndx: an index into sections, or SHN_* */
    unsigned char binding; /* STB_* */
};

struct elf_module {
    const char *name; /* the file's, for sentences */
    struct elf_identity identity;
    struct elf_section *sections;
    size_t section_count;
    size_t symbol_count;

    /* For elf_module.c alone. */
    struct Elf *handle;
    const uint8_t *symbols; /* Elf64_Sym, at any alignment */
    const struct elf_section *symbol_names;
};

#define ELF_MODULE_INIT                                                                            \
    { .name = NULL }

/*
 * Reads class, byte order, type and machine of any ELF file. ERROR_DAMAGED: it is too short for an
 * ELF header or does not begin like one.
 */
int elf_module_identify(const struct module_file *file, struct elf_identity *identity,
                        struct error *err) MUST_CHECK;

/*
 * Opens a 64-bit little-endian object (all that prebake's targets load). ERROR_DAMAGED, with what
 * and where: anything that leads out of the file, a name without an end, a missing or second symbol
 * table. The rules are those of elf_validity_check() in the kernel's kernel/module/main.c, and
 * those that keep the work linear in the file's size: sections lie beside each other, most names of
 * symbols too, and there are at most a million symbols.
 */
int elf_module_open(const struct module_file *file, struct elf_module *elf,
                    struct error *err) MUST_CHECK;
void elf_module_close(struct elf_module *elf);
#define AUTO_ELF_MODULE AUTO(elf_module_close)

/*
 * The section that the kernel would find by this name: one with SHF_ALLOC. NULL when there is none.
 * Several of one name are told apart by nobody, and kernels since 6.4 count those without the flag
 * as well, so `*found` NULL with −EBADMSG (ERROR_DAMAGED).
 */
int elf_module_find_section(const struct elf_module *elf, const char *name,
                            const struct elf_section **found, struct error *err) MUST_CHECK;

/* Symbol `index` < symbol_count; 0 is the empty one that every table begins with. */
void elf_module_symbol(const struct elf_module *elf, size_t index, struct elf_symbol *symbol);

/* The section that defines the symbol, or NULL for undefined, absolute and other special ones. */
const struct elf_section *elf_module_symbol_section(const struct elf_module *elf,
                                                    const struct elf_symbol *symbol);

/*
 * The GNU build id in hex, from .note.gnu.build-id; "" when there is none. The caller frees.
 * −ENOMEM, or ERROR_DAMAGED when the note does not fit in its section.
 */
int elf_module_build_id(const struct elf_module *elf, char **hex, struct error *err) MUST_CHECK;

#endif
