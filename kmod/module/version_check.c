#include "kmod/module/version_check.h"

#include <stdio.h>
#include <string.h>

#include "kmod/module/verdict.h"

#define CRC_TEXT 16

static const char *crc_text(uint32_t crc, char text[static CRC_TEXT]) {
    snprintf(text, CRC_TEXT, "0x%08x", crc);
    return text;
}

/* The kernel compares this one first; no symbol table shows that it is needed. */
static int check_layout(const struct candidate_set *set, struct candidate *candidate,
                        const struct modversion_list *versions) {
    const struct export *layout = candidate_find_export(set, candidate, "module_layout");
    if (!layout || modversions_find(versions, "module_layout"))
        return 0;
    char wanted[CRC_TEXT];
    struct verdict_facts facts = {.check = "crc",
                                  .symbol = "module_layout",
                                  .wanted = crc_text(layout->crc, wanted),
                                  .found = "none",
                                  .source = candidate_export_source(set, layout)};
    return verdict_add(candidate->verdict, &facts,
                       "it has no CRC of module_layout, kernel %s has %s", set->target->release,
                       wanted);
}

static int check_entry(const struct candidate_set *set, struct candidate *candidate,
                       const struct modversion *version) {
    const struct export *export = candidate_find_export(set, candidate, version->name);
    if (!export || !export->has_crc || export->crc == version->crc)
        return 0;
    char wanted[CRC_TEXT], found[CRC_TEXT];
    struct verdict_facts facts = {.check = "crc",
                                  .symbol = version->name,
                                  .wanted = crc_text(export->crc, wanted),
                                  .found = crc_text(version->crc, found),
                                  .source = candidate_export_source(set, export)};
    return verdict_add(candidate->verdict, &facts,
                       "it was compiled against %s %s, %s exports it as %s (%s)", version->name,
                       found, export->owner, wanted, facts.source);
}

static int disagree(struct candidate *candidate, const struct modversion *wanted,
                    const struct modversion *found) {
    char wanted_crc[CRC_TEXT], found_crc[CRC_TEXT];
    const char *name = wanted ? wanted->name : found->name;
    struct verdict_facts facts = {.check = "crc",
                                  .symbol = name,
                                  .wanted = wanted ? crc_text(wanted->crc, wanted_crc) : "none",
                                  .found = found ? crc_text(found->crc, found_crc) : "none"};
    return verdict_add(candidate->verdict, &facts,
                       "its two tables of symbol versions disagree on %s: %s in "
                       "__version_ext_crcs, %s in __versions",
                       name, facts.wanted, facts.found);
}

/* Older kernels and kmod read the basic table, newer kernels the extended one. */
static int check_agreement(struct candidate *candidate) {
    const struct modversion_list *basic = &candidate->versions.basic;
    const struct modversion_list *extended = &candidate->versions.extended;
    if (!basic->present || !extended->present)
        return 0;
    for (size_t i = 0; i < basic->count; i++) {
        const struct modversion *other = modversions_find(extended, basic->items[i].name);
        if (other && other->crc == basic->items[i].crc)
            continue;
        int rc = disagree(candidate, other, &basic->items[i]);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < extended->count; i++) {
        const struct modversion *entry = &extended->items[i];
        if (!modversions_fits_basic(entry->name) || modversions_find(basic, entry->name))
            continue;
        int rc = disagree(candidate, entry, NULL);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_exports(struct candidate *candidate) {
    for (size_t i = 0; i < candidate->exports.count; i++) {
        const struct export *export = &candidate->exports.items[i];
        if (export->has_crc)
            continue;
        struct verdict_facts facts = {
            .check = "crc", .symbol = export->name, .wanted = "a CRC", .found = "none"};
        int rc =
            verdict_add(candidate->verdict, &facts, "it exports %s without a CRC", export->name);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_entries(const struct candidate_set *set, struct candidate *candidate,
                         const struct modversion_list *versions) {
    int rc = check_layout(set, candidate, versions);
    for (size_t i = 0; rc == 0 && i < versions->count; i++)
        rc = check_entry(set, candidate, &versions->items[i]);
    return rc;
}

static int no_versions(const struct candidate_set *set, struct candidate *candidate) {
    struct verdict_facts none = {.check = "crc", .wanted = "symbol versions", .found = "none"};
    struct verdict_facts unread = {.check = "crc",
                                   .wanted = "__versions",
                                   .found = "__version_ext_crcs",
                                   .source = set->target->config_name};
    if (candidate->versions.extended.present)
        return verdict_add(candidate->verdict, &unread,
                           "its symbol versions are in __version_ext_crcs alone, which kernel %s "
                           "does not read: compile it with CONFIG_BASIC_MODVERSIONS",
                           set->target->release);
    return verdict_add(candidate->verdict, &none,
                       "it has no symbol versions (__versions), kernel %s wants them",
                       set->target->release);
}

int version_check_run(const struct candidate_set *set, struct candidate *candidate) {
    if (!set->target->modversions)
        return 0;
    const struct modversion_list *versions =
        modversions_effective(&candidate->versions, set->target->extended_modversions);
    int rc =
        versions->present ? check_entries(set, candidate, versions) : no_versions(set, candidate);
    if (rc == 0)
        rc = check_agreement(candidate);
    if (rc == 0)
        rc = check_exports(candidate);
    return rc;
}
