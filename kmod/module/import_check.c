#include "kmod/module/import_check.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "kmod/module/name_space.h"
#include "kmod/module/verdict.h"

bool import_check_is_import(const struct elf_symbol *symbol, uint16_t machine) {
    /* GNU as before 2.37 leaves this one behind on x86-64 without a use. */
    if (machine == EM_X86_64 && strcmp(symbol->name, "_GLOBAL_OFFSET_TABLE_") == 0)
        return false;
    return symbol->section == SHN_UNDEF;
}

/* The first proprietary sibling that the module uses, or NULL. */
static const struct candidate *proprietary_exporter(const struct candidate_set *set,
                                                    const struct candidate *candidate) {
    for (size_t i = 1; i < candidate->elf.symbol_count; i++) {
        struct elf_symbol symbol;
        elf_module_symbol(&candidate->elf, i, &symbol);
        if (!import_check_is_import(&symbol, candidate->elf.identity.machine))
            continue;
        const struct export *export = candidate_find_export(set, candidate, symbol.name);
        if (export && export->sibling != EXPORT_FROM_KERNEL &&
            set->items[export->sibling].proprietary)
            return &set->items[export->sibling];
    }
    return NULL;
}

static bool has_proprietary_exporter(const struct candidate_set *set) {
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].proprietary && set->items[i].exports.count > 0)
            return true;
    return false;
}

void import_check_spread_taint(struct candidate_set *set) {
    bool changed = has_proprietary_exporter(set);
    while (changed) {
        changed = false;
        for (size_t i = 0; i < set->count; i++) {
            struct candidate *candidate = &set->items[i];
            if (!candidate->readable || candidate->proprietary)
                continue;
            const struct candidate *exporter = proprietary_exporter(set, candidate);
            if (!exporter)
                continue;
            candidate->proprietary = changed = true;
            candidate->proprietary_for = exporter->file->name;
        }
    }
}

static int unresolved(const struct candidate_set *set, struct candidate *candidate,
                      const struct elf_symbol *symbol) {
    if (symbol->binding == STB_WEAK)
        return 0;
    struct verdict_facts facts = {.check = "symbol",
                                  .symbol = symbol->name,
                                  .wanted = "an export",
                                  .found = "none",
                                  .source = set->target->symvers_name};
    return verdict_add(candidate->verdict, &facts,
                       "it needs %s, which neither kernel %s nor another module of the set exports",
                       symbol->name, set->target->release);
}

/* Its value is version_check's matter. modpost writes no entry for an export whose CRC is 0. */
static int check_has_crc(const struct candidate_set *set, struct candidate *candidate,
                         const struct export *export) {
    const struct modversion_list *versions =
        modversions_effective(&candidate->versions, set->target->extended_modversions);
    if (!set->target->modversions || !versions->present || !export->has_crc || export->crc == 0 ||
        modversions_find(versions, export->name))
        return 0;
    char wanted[16];
    snprintf(wanted, sizeof(wanted), "0x%08x", export->crc);
    struct verdict_facts facts = {.check = "crc",
                                  .symbol = export->name,
                                  .wanted = wanted,
                                  .found = "none",
                                  .source = candidate_export_source(set, export)};
    return verdict_add(candidate->verdict, &facts,
                       "it imports %s without a CRC, %s exports it with %s (%s)", export->name,
                       export->owner, wanted, facts.source);
}

static int check_licence(const struct candidate_set *set, struct candidate *candidate,
                         const struct export *export) {
    if (!export->gpl_only || !candidate->proprietary)
        return 0;
    const char *licence = modinfo_get(&candidate->modinfo, "license");
    struct verdict_facts facts = {.check = "licence",
                                  .symbol = export->name,
                                  .wanted = "GPL-compatible",
                                  .found = licence ? licence : "none",
                                  .source = candidate_export_source(set, export)};
    if (candidate->proprietary_for)
        return verdict_add(candidate->verdict, &facts,
                           "it uses %s, which %s exports to GPL modules only, and also exports of "
                           "%s, which is proprietary: the kernel refuses both together",
                           export->name, export->owner, candidate->proprietary_for);
    return verdict_add(
        candidate->verdict, &facts,
        "it uses %s, which %s exports to GPL modules only, but its licence is \"%s\"", export->name,
        export->owner, facts.found);
}

static int check_name_space(const struct candidate_set *set, struct candidate *candidate,
                            const struct export *export) {
    const char *name_space = export->name_space;
    if (name_space_is_open(name_space, candidate->name, &candidate->modinfo))
        return 0;
    bool list = name_space_is_list(name_space);
    struct verdict_facts facts = {.check = "namespace",
                                  .symbol = export->name,
                                  .wanted = name_space,
                                  .found = list ? candidate->name : "not imported",
                                  .source = candidate_export_source(set, export)};
    if (list)
        return verdict_add(candidate->verdict, &facts,
                           "it uses %s, which %s exports only to %s; its name is %s", export->name,
                           export->owner, name_space, candidate->name);
    return verdict_add(candidate->verdict, &facts,
                       "it uses %s of namespace %s (%s) and does not import that namespace",
                       export->name, name_space, export->owner);
}

/* From 6.16 on such a module is turned away (setup_modinfo, kernel/module/main.c); before, there
 * was nothing to import. */
static int check_imported_lists(struct candidate *candidate) {
    const char *name_space = NULL;
    while ((name_space = modinfo_next_value(&candidate->modinfo, "import_ns", name_space))) {
        if (!name_space_is_list(name_space))
            continue;
        struct verdict_facts facts = {
            .check = "namespace", .wanted = "no import of it", .found = name_space};
        int rc =
            verdict_add(candidate->verdict, &facts,
                        "it imports the namespace %s, which is the exporter's list of modules: "
                        "nobody may import that",
                        name_space);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_import(const struct candidate_set *set, struct candidate *candidate,
                        const struct elf_symbol *symbol) {
    const struct export *export = candidate_find_export(set, candidate, symbol->name);
    if (!export)
        return unresolved(set, candidate, symbol);
    int rc = check_has_crc(set, candidate, export);
    if (rc == 0)
        rc = check_licence(set, candidate, export);
    if (rc == 0)
        rc = check_name_space(set, candidate, export);
    return rc;
}

/* The kernel has no place for common symbols; clang's link-time mark is the exception it makes. */
static int check_common(struct candidate *candidate, const struct elf_symbol *symbol) {
    if (strncmp(symbol->name, "__gnu_lto", 9) == 0)
        return 0;
    struct verdict_facts facts = {
        .check = "symbol", .symbol = symbol->name, .wanted = "defined", .found = "common"};
    return verdict_add(candidate->verdict, &facts,
                       "its symbol %s is common: compile with -fno-common", symbol->name);
}

int import_check_run(const struct candidate_set *set, struct candidate *candidate) {
    int rc = check_imported_lists(candidate);
    for (size_t i = 1; rc == 0 && i < candidate->elf.symbol_count; i++) {
        struct elf_symbol symbol;
        elf_module_symbol(&candidate->elf, i, &symbol);
        if (symbol.section == SHN_COMMON)
            rc = check_common(candidate, &symbol);
        else if (import_check_is_import(&symbol, candidate->elf.identity.machine))
            rc = check_import(set, candidate, &symbol);
    }
    return rc;
}
