#include "kmod/module/module_exports.h"

#include <elf.h>
#include <string.h>

static const char *after_prefix(const char *name, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 && name[length] ? name + length : NULL;
}

static int damaged(struct error *err, const struct elf_module *elf, const char *what,
                   const char *symbol) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: %s of its export %s", elf->name, what,
                     symbol);
}

/* First pass: an entry a `__ksymtab_NAME`. */
static int collect(const struct elf_module *elf, const char *owner, size_t sibling,
                   struct export_table *exports, struct error *err) {
    for (size_t i = 1; i < elf->symbol_count; i++) {
        struct elf_symbol symbol;
        elf_module_symbol(elf, i, &symbol);
        const char *name = after_prefix(symbol.name, "__ksymtab_");
        const struct elf_section *section = elf_module_symbol_section(elf, &symbol);
        if (!name || !section || strncmp(section->name, "__ksymtab", 9) != 0)
            continue;
        struct export export = {
            .name = name,
            .name_space = "",
            .owner = owner,
            .sibling = sibling,
            .gpl_only = strcmp(section->name, "__ksymtab_gpl") == 0,
        };
        if (export_table_add(exports, &export) < 0)
            return error_oom(err, "reading a module's exports");
    }
    return 0;
}

static int check_unique(const struct elf_module *elf, const struct export_table *exports,
                        struct error *err) {
    for (size_t i = 1; i < exports->count; i++)
        if (strcmp(exports->items[i - 1].name, exports->items[i].name) == 0)
            return damaged(err, elf, "there are two", exports->items[i].name);
    return 0;
}

static int read_crc(const struct elf_module *elf, const struct elf_symbol *symbol,
                    struct export *export, struct error *err) {
    export->has_crc = true;
    if (symbol->section == SHN_ABS) {
        export->crc = (uint32_t)symbol->value;
        return 0;
    }
    const struct elf_section *section = elf_module_symbol_section(elf, symbol);
    if (!section || section->size < 4 || symbol->value > section->size - 4)
        return damaged(err, elf, "there is no CRC at the place", export->name);
    memcpy(&export->crc, section->data + symbol->value, sizeof(export->crc));
    return 0;
}

static int read_name_space(const struct elf_module *elf, const struct elf_symbol *symbol,
                           struct export *export, struct error *err) {
    const struct elf_section *section = elf_module_symbol_section(elf, symbol);
    if (!section || symbol->value >= section->size ||
        !memchr(section->data + symbol->value, '\0', section->size - symbol->value))
        return damaged(err, elf, "the namespace has no end", export->name);
    export->name_space = (const char *)section->data + symbol->value;
    return 0;
}

/* Second pass: each export's CRC and namespace. */
static int complete(const struct elf_module *elf, struct export_table *exports, struct error *err) {
    for (size_t i = 1; i < elf->symbol_count; i++) {
        struct elf_symbol symbol;
        elf_module_symbol(elf, i, &symbol);
        const char *crc = after_prefix(symbol.name, "__crc_");
        const char *name_space = after_prefix(symbol.name, "__kstrtabns_");
        struct export *export = NULL;
        if ((crc || name_space) && symbol.section != SHN_UNDEF)
            export = export_table_find(exports, crc ? crc : name_space, NULL);
        if (!export)
            continue;
        int rc =
            crc ? read_crc(elf, &symbol, export, err) : read_name_space(elf, &symbol, export, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int module_exports_read(const struct elf_module *elf, const char *owner, size_t sibling,
                        struct export_table *exports, struct error *err) {
    *exports = (struct export_table){.items = NULL};
    int rc = collect(elf, owner, sibling, exports, err);
    if (rc == 0 && exports->count > 0) {
        if (export_table_sort(exports) < 0)
            rc = error_oom(err, "reading a module's exports");
        if (rc == 0)
            rc = check_unique(elf, exports, err);
        if (rc == 0)
            rc = complete(elf, exports, err);
    }
    if (rc < 0)
        export_table_release(exports);
    return rc;
}
