#include "kmod/module/elf_module.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>

/* Bounds of the work and memory that a file of some bytes can ask for. */
#define SYMBOLS_MAX 1000000 /* a kernel has 0.2 million */
#define LOADED_MAX (1ULL << 30)
#define NAMES_SHARED 16 /* how often, on average, a byte may be of several symbols' names */

#define ELF_HEADER_MIN 20 /* e_ident, e_type, e_machine: common to both classes */

static int damaged(struct error *err, const char *file, const char *what) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is not a whole kernel module: %s", file,
                     what);
}

static uint16_t read_u16(const uint8_t *bytes, unsigned char byte_order) {
    uint8_t high = byte_order == ELFDATA2MSB ? bytes[0] : bytes[1];
    uint8_t low = byte_order == ELFDATA2MSB ? bytes[1] : bytes[0];
    return (uint16_t)(high * 256U + low);
}

int elf_module_identify(const struct module_file *file, struct elf_identity *identity,
                        struct error *err) {
    const uint8_t *bytes = file->content.data;
    if (!bytes || file->elf_size < ELF_HEADER_MIN || file->elf_size > file->content.size ||
        memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is not an ELF object", file->name);

    /* 0 magic | 4 class | 5 byte order | 6 version … | 16 type | 18 machine | 20 … */
    *identity = (struct elf_identity){
        .elf_class = bytes[EI_CLASS],
        .byte_order = bytes[EI_DATA],
        .type = read_u16(bytes + 16, bytes[EI_DATA]),
        .machine = read_u16(bytes + 18, bytes[EI_DATA]),
    };
    return 0;
}

/* Whether [offset, offset + size) lies inside `total` bytes. */
static bool fits(uint64_t offset, uint64_t size, uint64_t total) {
    return offset <= total && size <= total - offset;
}

/* libelf is given nothing whose header leads it out of the file. */
static int check_header(const struct module_file *file, struct error *err) {
    Elf64_Ehdr header;
    if (file->elf_size < sizeof(header))
        return damaged(err, file->name, "its ELF header is cut off");
    memcpy(&header, file->content.data, sizeof(header));
    if (header.e_ident[EI_VERSION] != EV_CURRENT || header.e_version != EV_CURRENT)
        return damaged(err, file->name, "its ELF version is unknown");
    if (header.e_ehsize != sizeof(Elf64_Ehdr) || header.e_shentsize != sizeof(Elf64_Shdr))
        return damaged(err, file->name, "its headers have an unknown size");
    if (header.e_shnum == 0 || header.e_shnum >= SHN_LORESERVE || header.e_shstrndx == SHN_UNDEF ||
        header.e_shstrndx >= header.e_shnum)
        return damaged(err, file->name, "its number of sections is impossible");
    if (!fits(header.e_shoff, (uint64_t)header.e_shnum * sizeof(Elf64_Shdr), file->elf_size))
        return damaged(err, file->name, "its section headers lie outside the file (truncated?)");
    return 0;
}

/* Takes over section `index` and its raw bytes; the name is filled by name_sections(). */
static int load_section(struct elf_module *elf, const struct module_file *file, size_t index,
                        GElf_Shdr *header, struct error *err) {
    Elf_Scn *section = elf_getscn(elf->handle, index);
    if (!section || !gelf_getshdr(section, header))
        return damaged(err, file->name, elf_errmsg(-1));
    elf->sections[index] = (struct elf_section){.type = header->sh_type,
                                                .flags = header->sh_flags,
                                                .load_size = header->sh_size,
                                                .link = header->sh_link,
                                                .info = header->sh_info};
    if (index == 0 && (header->sh_type != SHT_NULL || header->sh_size || header->sh_addr))
        return damaged(err, file->name, "its first section header is not the empty one");
    if (header->sh_type == SHT_NULL || header->sh_type == SHT_NOBITS)
        return 0;
    if (!fits(header->sh_offset, header->sh_size, file->elf_size))
        return damaged(err, file->name, "a section lies outside the file (truncated?)");
    if (header->sh_size > 0) {
        elf->sections[index].data = file->content.data + header->sh_offset;
        elf->sections[index].size = header->sh_size;
    }
    return 0;
}

/* A string table as ELF wants it: it ends with a NUL, so every name in it ends. */
static bool is_string_table(const struct elf_section *section) {
    return section->type == SHT_STRTAB && section->size > 0 &&
           section->data[section->size - 1] == '\0';
}

static int name_sections(struct elf_module *elf, const uint32_t *offsets, struct error *err) {
    size_t names_index = 0;
    if (elf_getshdrstrndx(elf->handle, &names_index) < 0 || names_index >= elf->section_count ||
        !is_string_table(&elf->sections[names_index]))
        return damaged(err, elf->name, "its table of section names is broken");
    const struct elf_section *names = &elf->sections[names_index];
    for (size_t i = 0; i < elf->section_count; i++) {
        if (offsets[i] >= names->size)
            return damaged(err, elf->name, "a section's name lies outside the table of names");
        elf->sections[i].name = (const char *)names->data + offsets[i];
    }
    return 0;
}

static Elf64_Sym read_symbol(const struct elf_module *elf, size_t index) {
    Elf64_Sym symbol;
    memcpy(&symbol, elf->symbols + index * sizeof(symbol), sizeof(symbol));
    return symbol;
}

/* Names and section numbers of all symbols, so that elf_module_symbol() has nothing to check. */
static int check_symbols(struct elf_module *elf, struct error *err) {
    size_t names = 0;
    if (elf->symbol_count > SYMBOLS_MAX)
        return damaged(err, elf->name, "it has more than a million symbols");
    for (size_t i = 0; i < elf->symbol_count; i++) {
        Elf64_Sym symbol = read_symbol(elf, i);
        if (symbol.st_name >= elf->symbol_names->size)
            return damaged(err, elf->name, "a symbol's name lies outside the table of names");
        if (symbol.st_shndx >= elf->section_count && symbol.st_shndx < SHN_LORESERVE)
            return damaged(err, elf->name, "a symbol lies in a section that is not there");
        names += strlen((const char *)elf->symbol_names->data + symbol.st_name);
        if (names / NAMES_SHARED > elf->symbol_names->size)
            return damaged(err, elf->name, "its symbols' names lie over each other");
    }
    return 0;
}

static int load_symbols(struct elf_module *elf, size_t index, const GElf_Shdr *header,
                        struct error *err) {
    if (elf->symbols)
        return damaged(err, elf->name, "it has two symbol tables");
    if (header->sh_entsize != sizeof(Elf64_Sym) || header->sh_size == 0 ||
        header->sh_size % sizeof(Elf64_Sym) != 0)
        return damaged(err, elf->name, "its symbol table has an impossible size");
    if (header->sh_link >= elf->section_count || !is_string_table(&elf->sections[header->sh_link]))
        return damaged(err, elf->name, "its table of symbol names is broken");
    elf->symbols = elf->sections[index].data;
    elf->symbol_names = &elf->sections[header->sh_link];
    elf->symbol_count = header->sh_size / sizeof(Elf64_Sym);
    return check_symbols(elf, err);
}

/* What has no room in the file beside the others lies over one of them; in memory a kernel has no
 * more for all modules together than LOADED_MAX (MODULES_VADDR … MODULES_END with KASLR). */
static int check_sizes(const struct elf_module *elf, const struct module_file *file,
                       struct error *err) {
    uint64_t sum = 0, loaded = 0;
    for (size_t i = 0; i < elf->section_count; i++) {
        const struct elf_section *section = &elf->sections[i];
        sum += section->size;
        if (sum > file->elf_size)
            return damaged(err, file->name, "its sections lie over each other");
        if (section->load_size <= LOADED_MAX && section->flags & SHF_ALLOC)
            loaded += section->load_size;
        if (section->load_size > LOADED_MAX || loaded > LOADED_MAX)
            return damaged(err, file->name, "it wants more memory than a kernel has for modules");
    }
    return 0;
}

static int load_sections(struct elf_module *elf, const struct module_file *file,
                         struct error *err) {
    AUTO_FREE GElf_Shdr *headers = calloc(elf->section_count, sizeof(*headers));
    AUTO_FREE uint32_t *names = calloc(elf->section_count, sizeof(*names));
    elf->sections = calloc(elf->section_count, sizeof(*elf->sections));
    if (!headers || !names || !elf->sections)
        return error_oom(err, "reading a module's sections");
    for (size_t i = 0; i < elf->section_count; i++) {
        int rc = load_section(elf, file, i, &headers[i], err);
        if (rc < 0)
            return rc;
        names[i] = headers[i].sh_name;
    }
    int rc = check_sizes(elf, file, err);
    if (rc == 0)
        rc = name_sections(elf, names, err);
    for (size_t i = 0; rc == 0 && i < elf->section_count; i++)
        if (headers[i].sh_type == SHT_SYMTAB)
            rc = load_symbols(elf, i, &headers[i], err);
    if (rc == 0 && !elf->symbols)
        return damaged(err, file->name, "it has no symbol table (stripped too far?)");
    return rc;
}

static int open_handle(struct elf_module *elf, const struct module_file *file, struct error *err) {
    int rc = elf_module_identify(file, &elf->identity, err);
    if (rc < 0)
        return rc;
    if (elf->identity.elf_class != ELFCLASS64 || elf->identity.byte_order != ELFDATA2LSB)
        return damaged(err, file->name, "it is not a 64-bit little-endian ELF object");
    rc = check_header(file, err);
    if (rc < 0)
        return rc;
    if (elf_version(EV_CURRENT) == EV_NONE)
        return error_set(err, ERROR_INTERNAL, ENOTSUP, "libelf is too old: %s", elf_errmsg(-1));
    /* libelf's own argument is not const, but it reads only. */
    elf->handle = elf_memory((char *)file->content.data, file->elf_size);
    if (!elf->handle || elf_kind(elf->handle) != ELF_K_ELF ||
        elf_getshdrnum(elf->handle, &elf->section_count) < 0 || elf->section_count == 0)
        return damaged(err, file->name, elf_errmsg(-1));
    return 0;
}

int elf_module_open(const struct module_file *file, struct elf_module *elf, struct error *err) {
    *elf = (struct elf_module){.name = file->name};
    int rc = open_handle(elf, file, err);
    if (rc == 0)
        rc = load_sections(elf, file, err);
    if (rc < 0)
        elf_module_close(elf);
    return rc;
}

void elf_module_close(struct elf_module *elf) {
    elf_end(elf->handle);
    free(elf->sections);
    *elf = (struct elf_module)ELF_MODULE_INIT;
}

int elf_module_find_section(const struct elf_module *elf, const char *name,
                            const struct elf_section **found, struct error *err) {
    size_t count = 0;
    *found = NULL;
    for (size_t i = 1; i < elf->section_count; i++) {
        const struct elf_section *section = &elf->sections[i];
        if (strcmp(section->name, name) != 0)
            continue;
        count++;
        if (section->flags & SHF_ALLOC)
            *found = section;
    }
    if (count < 2)
        return 0;
    *found = NULL;
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s has two sections %s", elf->name, name);
}

void elf_module_symbol(const struct elf_module *elf, size_t index, struct elf_symbol *symbol) {
    Elf64_Sym raw = read_symbol(elf, index);
    *symbol = (struct elf_symbol){
        .name = (const char *)elf->symbol_names->data + raw.st_name,
        .value = raw.st_value,
        .section = raw.st_shndx,
        .binding = ELF64_ST_BIND(raw.st_info),
    };
}

const struct elf_section *elf_module_symbol_section(const struct elf_module *elf,
                                                    const struct elf_symbol *symbol) {
    if (symbol->section == SHN_UNDEF || symbol->section >= elf->section_count)
        return NULL;
    return &elf->sections[symbol->section];
}

static char *hex_of(const uint8_t *bytes, size_t size) {
    char *hex = malloc(2 * size + 1);
    if (!hex)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    hex[2 * size] = '\0';
    return hex;
}

/*
 * 0 namesz | 4 descsz | 8 type | 12 "GNU\0" | 16 the id
 */
int elf_module_build_id(const struct elf_module *elf, char **hex, struct error *err) {
    const struct elf_section *section;
    int rc = elf_module_find_section(elf, ".note.gnu.build-id", &section, err);
    if (rc < 0)
        return rc;
    size_t size = 0;
    if (section) {
        Elf64_Nhdr note;
        if (section->size < 16)
            return damaged(err, elf->name, "its build id is cut off");
        memcpy(&note, section->data, sizeof(note));
        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
            memcmp(section->data + 12, "GNU", 4) != 0 || note.n_descsz > section->size - 16)
            return damaged(err, elf->name, "its build id note is broken");
        size = note.n_descsz;
    }
    *hex = hex_of(section ? section->data + 16 : NULL, size);
    return *hex ? 0 : error_oom(err, "reading a module's build id");
}
