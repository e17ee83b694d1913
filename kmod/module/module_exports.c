#include "kmod/module/module_exports.h"

#include <elf.h>
#include <string.h>

#include "kmod/module/word_table.h"

/*
 * struct kernel_symbol: fields of 4 bytes (distances) or, where the architecture or an older kernel
 * has no such relocations, of 8 (addresses); the third since Linux 5.4.
 *
 *     | value | name | namespace |
 */
#define FIELD_NAME 1
#define FIELD_NAME_SPACE 2
#define NAME_MAX_SIZE 4096 /* any number of entries may share a name: each costs its length */

/* The two sections of one kind of export. */
struct table {
    const struct elf_module *elf;
    const struct elf_section *section; /* of the entries */
    struct word_table entries;
    size_t entry_count;
    size_t field_words, fields;            /* of an entry */
    const struct elf_section *crc_section; /* NULL: there are no CRCs */
    struct word_table crcs;
};

static void table_release(struct table *table) {
    word_table_release(&table->entries);
    word_table_release(&table->crcs);
}
#define AUTO_TABLE AUTO(table_release)

static int damaged(struct error *err, const struct elf_module *elf, const char *what,
                   const char *symbol) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: %s of its export %s", elf->name, what,
                     symbol);
}

static bool is_distance(const struct elf_module *elf, uint32_t type) {
    return type == (elf->identity.machine == EM_AARCH64 ? R_AARCH64_PREL32 : R_X86_64_PC32);
}

static bool is_address(const struct elf_module *elf, uint32_t type) {
    return type == (elf->identity.machine == EM_AARCH64 ? R_AARCH64_ABS64 : R_X86_64_64);
}

static size_t word_of(const struct table *table, size_t entry, size_t field) {
    return (entry * table->fields + field) * table->field_words;
}

/* Where a field of the first entry leads to, or of the one behind it; NULL: nowhere. */
static const struct elf_section *leads_to(const struct table *table, size_t field) {
    struct elf_symbol symbol;
    uint32_t type;
    size_t word = word_of(table, 0, field);
    return word < table->entries.count &&
                   word_table_symbol(&table->entries, table->elf, word, &symbol, &type)
               ? elf_module_symbol_section(table->elf, &symbol)
               : NULL;
}

/* A namespace stands among the names: a third field that leads elsewhere is the next entry's value.
 */
static void find_layout(struct table *table) {
    struct elf_symbol symbol;
    uint32_t type = 0;
    bool addresses = table->entries.count > 0 &&
                     word_table_symbol(&table->entries, table->elf, 0, &symbol, &type) &&
                     is_address(table->elf, type);
    table->field_words = addresses ? 2 : 1;
    table->fields = 3;
    const struct elf_section *second = leads_to(table, FIELD_NAME);
    const struct elf_section *third = leads_to(table, FIELD_NAME_SPACE);
    if (table->entries.count == 2 * table->field_words || (second && third && second != third))
        table->fields = 2;
}

/* The string that a word of an entry leads to, or NULL. */
static const char *find_string(const struct table *table, size_t word) {
    struct elf_symbol symbol;
    uint32_t type;
    if (!word_table_symbol(&table->entries, table->elf, word, &symbol, &type) ||
        !(table->field_words == 1 ? is_distance(table->elf, type) : is_address(table->elf, type)))
        return NULL;
    const struct elf_section *section = elf_module_symbol_section(table->elf, &symbol);
    if (!section || symbol.value >= section->size)
        return NULL;
    size_t rest = section->size - symbol.value;
    const uint8_t *string = section->data + symbol.value;
    bool ends = memchr(string, '\0', rest < NAME_MAX_SIZE + 1 ? rest : NAME_MAX_SIZE + 1);
    return ends ? (const char *)string : NULL;
}

/* Before Linux 5.19 the CRC was the value of a symbol, or stood elsewhere, at the symbol. */
static int read_relocated_crc(const struct table *table, const struct elf_symbol *symbol,
                              struct export *export, struct error *err) {
    export->has_crc = symbol->section != SHN_UNDEF;
    if (!export->has_crc)
        return 0;
    if (symbol->section == SHN_ABS) {
        export->crc = (uint32_t)symbol->value;
        return 0;
    }
    const struct elf_section *section = elf_module_symbol_section(table->elf, symbol);
    if (!section || section->size < sizeof(export->crc) ||
        symbol->value > section->size - sizeof(export->crc))
        return damaged(err, table->elf, "there is no CRC at the place", export->name);
    memcpy(&export->crc, section->data + symbol->value, sizeof(export->crc));
    return 0;
}

static int read_crc(const struct table *table, size_t index, struct export *export,
                    struct error *err) {
    struct elf_symbol symbol;
    uint32_t type;
    if (!table->crc_section)
        return 0;
    if (index >= table->crcs.count)
        return damaged(err, table->elf, "the table of CRCs ends before that", export->name);
    if (word_table_symbol(&table->crcs, table->elf, index, &symbol, &type))
        return read_relocated_crc(table, &symbol, export, err);
    export->has_crc = true;
    memcpy(&export->crc, table->crc_section->data + index * sizeof(export->crc),
           sizeof(export->crc));
    return 0;
}

static int read_entry(const struct table *table, size_t index, struct export *export,
                      struct error *err) {
    export->name = find_string(table, word_of(table, index, FIELD_NAME));
    if (!export->name || !*export->name)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: entry %zu of its section %s has no name",
                         table->elf->name, index, table->section->name);
    size_t name_space = word_of(table, index, FIELD_NAME_SPACE);
    if (table->fields > FIELD_NAME_SPACE && table->entries.relocations[name_space])
        export->name_space = find_string(table, name_space);
    if (!export->name_space)
        return damaged(err, table->elf, "the namespace is no string", export->name);
    return read_crc(table, index, export, err);
}

static int open_table(struct table *table, const char *entries, const char *crcs,
                      struct error *err) {
    int rc = elf_module_find_section(table->elf, entries, &table->section, err);
    if (rc < 0 || !table->section)
        return rc;
    rc = elf_module_find_section(table->elf, crcs, &table->crc_section, err);
    if (rc == 0)
        rc = word_table_open(table->elf, table->section, &table->entries, err);
    if (rc == 0 && table->crc_section)
        rc = word_table_open(table->elf, table->crc_section, &table->crcs, err);
    if (rc < 0)
        return rc;
    find_layout(table);
    size_t entry = table->fields * table->field_words;
    table->entry_count = table->entries.count / entry;
    if (table->entries.count % entry != 0)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: its section %s ends within an entry",
                         table->elf->name, entries);
    return rc;
}

/* Adds what one kind of export holds; `pattern` is what is the same for all of them. */
static int read_table(const struct elf_module *elf, const struct export *pattern,
                      struct export_table *exports, struct error *err) {
    AUTO_TABLE struct table table = {.elf = elf};
    int rc = open_table(&table, pattern->gpl_only ? "__ksymtab_gpl" : "__ksymtab",
                        pattern->gpl_only ? "__kcrctab_gpl" : "__kcrctab", err);
    for (size_t i = 0; rc == 0 && i < table.entry_count; i++) {
        struct export export = *pattern;
        rc = read_entry(&table, i, &export, err);
        if (rc == 0 && export_table_add(exports, &export) < 0)
            rc = error_oom(err, "reading a module's exports");
    }
    return rc;
}

static int check_unique(const struct elf_module *elf, const struct export_table *exports,
                        struct error *err) {
    for (size_t i = 1; i < exports->count; i++)
        if (strcmp(exports->items[i - 1].name, exports->items[i].name) == 0)
            return damaged(err, elf, "there are two", exports->items[i].name);
    return 0;
}

int module_exports_read(const struct elf_module *elf, const char *owner, size_t sibling,
                        struct export_table *exports, struct error *err) {
    struct export pattern = {.name_space = "", .owner = owner, .sibling = sibling};
    *exports = (struct export_table){.items = NULL};
    int rc = read_table(elf, &pattern, exports, err);
    pattern.gpl_only = true;
    if (rc == 0)
        rc = read_table(elf, &pattern, exports, err);
    if (rc == 0 && export_table_sort(exports) < 0)
        rc = error_oom(err, "reading a module's exports");
    if (rc == 0)
        rc = check_unique(elf, exports, err);
    if (rc < 0)
        export_table_release(exports);
    return rc;
}
