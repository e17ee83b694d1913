#include "kmod/module/candidate.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "kmod/module/licence.h"
#include "kmod/module/module_exports.h"
#include "kmod/module/verdict.h"

/* A file that can't be read fails; what has nothing to do with the file is an error. */
static int judge(struct candidate *candidate, int rc, const struct error *cause,
                 struct error *err) {
    if (rc == -EBADMSG)
        rc = verdict_add(candidate->verdict, &(struct verdict_facts){.check = "object"}, "%s",
                         cause->text);
    if (rc == -ENOMEM)
        return error_oom(err, "verifying modules");
    if (rc < 0)
        *err = *cause;
    return rc;
}

static const char *machine_name(uint16_t machine, char number[static 16]) {
    if (machine == EM_X86_64)
        return "x86_64";
    if (machine == EM_AARCH64)
        return "aarch64";
    if (machine == EM_386)
        return "i386";
    if (machine == EM_ARM)
        return "arm";
    snprintf(number, 16, "machine %u", machine);
    return number;
}

static const char *class_name(const struct elf_identity *identity) {
    bool wide = identity->elf_class == ELFCLASS64;
    if (identity->byte_order == ELFDATA2MSB)
        return wide ? "64-bit big-endian" : "32-bit big-endian";
    return wide ? "64-bit little-endian" : "32-bit little-endian";
}

static int check_identity(struct candidate *candidate, const struct elf_identity *identity,
                          const struct verify_target *target) {
    struct verify_verdict *verdict = candidate->verdict;
    char wanted[16], found[16];
    int rc = 0;
    if (identity->machine != target->elf_machine) {
        struct verdict_facts facts = {.check = "machine",
                                      .wanted = machine_name(target->elf_machine, wanted),
                                      .found = machine_name(identity->machine, found)};
        rc = verdict_add(verdict, &facts, "it is for %s, kernel %s runs on %s", facts.found,
                         target->release, facts.wanted);
    }
    if (rc == 0 && (identity->elf_class != ELFCLASS64 || identity->byte_order != ELFDATA2LSB)) {
        struct verdict_facts facts = {
            .check = "class", .wanted = "64-bit little-endian", .found = class_name(identity)};
        rc = verdict_add(verdict, &facts, "it is %s, not %s", facts.found, facts.wanted);
    }
    if (rc == 0 && identity->type != ET_REL) {
        snprintf(found, sizeof(found), "type %u", identity->type);
        struct verdict_facts facts = {.check = "type", .wanted = "relocatable", .found = found};
        rc = verdict_add(verdict, &facts, "it is not a relocatable object (ELF %s)", found);
    }
    return rc;
}

/* The kernel and depmod take the first of several, others the last: one is what is safe. */
static int check_single(struct candidate *candidate, const char *key) {
    size_t count = modinfo_count(&candidate->modinfo, key);
    if (count == 1)
        return 0;
    char found[24];
    snprintf(found, sizeof(found), "%zu", count);
    struct verdict_facts facts = {.check = "modinfo", .wanted = "1", .found = found};
    return verdict_add(candidate->verdict, &facts, "its .modinfo has %s %s= %s, not exactly one",
                       count == 0 ? "no" : found, key, count == 0 ? "field" : "fields");
}

/* Without one nobody could tell the loaded module from another. */
static int check_name(struct candidate *candidate) {
    const char *name = modinfo_get(&candidate->modinfo, "name");
    if (!name || *name)
        return 0;
    struct verdict_facts facts = {.check = "modinfo", .wanted = "a name", .found = ""};
    return verdict_add(candidate->verdict, &facts, "its .modinfo has an empty name=");
}

/*
 * The kernel goes by the name in struct module, everybody else by that in .modinfo. Where it stands
 * there is the configuration's matter (RANDSTRUCT), so it may be anywhere.
 */
static int check_same_name(struct candidate *candidate) {
    const char *name = modinfo_get(&candidate->modinfo, "name");
    const struct elf_section *section = candidate->this_module;
    if (!name || !*name || !section || section->size == 0 ||
        memmem(section->data, section->size, name, strlen(name) + 1))
        return 0;
    struct verdict_facts facts = {
        .check = "modinfo", .wanted = name, .found = "another name in struct module"};
    return verdict_add(candidate->verdict, &facts,
                       "its .modinfo says that its name is %s, its struct module says otherwise",
                       name);
}

static int check_vermagic(struct candidate *candidate, const struct verify_target *target) {
    const char *vermagic = modinfo_get(&candidate->modinfo, "vermagic");
    if (!vermagic || strcmp(vermagic, target->vermagic) == 0)
        return 0;
    struct verdict_facts facts = {.check = "vermagic",
                                  .wanted = target->vermagic,
                                  .found = vermagic,
                                  .source = target->vermagic_name};
    return verdict_add(candidate->verdict, &facts, "its vermagic is \"%s\", kernel %s wants \"%s\"",
                       vermagic, target->release, target->vermagic);
}

/* modpost puts struct module there; the kernel has nothing to link without it. */
static int check_this_module(struct candidate *candidate, struct error *err) {
    const struct elf_section **section = &candidate->this_module;
    int rc = elf_module_find_section(&candidate->elf, ".gnu.linkonce.this_module", section, err);
    if (rc < 0 || (*section && (*section)->size > 0))
        return rc;
    return verdict_add(candidate->verdict, &(struct verdict_facts){.check = "object"},
                       "it has no struct module (.gnu.linkonce.this_module): it is an object that "
                       "modpost has not made a module of");
}

static int read_parts(struct candidate *candidate, size_t sibling, struct error *err) {
    int rc = elf_module_open(candidate->file, &candidate->elf, err);
    if (rc == 0)
        rc = modinfo_read(&candidate->elf, &candidate->modinfo, err);
    if (rc == 0)
        rc = modversions_read(&candidate->elf, &candidate->versions, err);
    if (rc == 0)
        rc = module_exports_read(&candidate->elf, candidate->file->name, sibling,
                                 &candidate->exports, err);
    if (rc == 0)
        rc = check_this_module(candidate, err);
    return rc;
}

static int check_livepatch(struct candidate *candidate, const struct verify_target *target) {
    if (target->livepatch || !modinfo_get(&candidate->modinfo, "livepatch"))
        return 0;
    struct verdict_facts facts = {.check = "livepatch",
                                  .wanted = "CONFIG_LIVEPATCH",
                                  .found = "not set",
                                  .source = target->config_name};
    return verdict_add(candidate->verdict, &facts,
                       "it is a live patch, and kernel %s takes none (CONFIG_LIVEPATCH)",
                       target->release);
}

static bool has_section(const struct elf_module *elf, const char *name) {
    for (size_t i = 1; i < elf->section_count; i++)
        if (strcmp(elf->sections[i].name, name) == 0)
            return true;
    return false;
}

/* Where arm64 puts jumps to far away; scripts/module.lds makes room for them. The kernel's
 * module_frob_arch_sections() ends with −ENOEXEC without. */
static int check_plt_sections(struct candidate *candidate, const struct verify_target *target) {
    static const char *const names[] = {".plt", ".init.plt"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && target->plt_sections && i < ARRAY_SIZE(names); i++) {
        if (has_section(&candidate->elf, names[i]))
            continue;
        struct verdict_facts facts = {
            .check = "section", .wanted = names[i], .found = "none", .source = target->config_name};
        rc = verdict_add(candidate->verdict, &facts,
                         "it has no section %s: it was not linked with the kernel's "
                         "scripts/module.lds",
                         names[i]);
    }
    return rc;
}

static int check_parts(struct candidate *candidate, const struct verify_target *target) {
    int rc = check_single(candidate, "name");
    if (rc == 0)
        rc = check_name(candidate);
    if (rc == 0)
        rc = check_same_name(candidate);
    if (rc == 0)
        rc = check_single(candidate, "vermagic");
    if (rc == 0)
        rc = check_vermagic(candidate, target);
    if (rc == 0)
        rc = check_livepatch(candidate, target);
    if (rc == 0)
        rc = check_plt_sections(candidate, target);
    return rc;
}

int candidate_load(struct candidate *candidate, const struct verify_target *target, size_t sibling,
                   struct error *err) {
    struct error cause = {.kind = ERROR_NONE};
    struct elf_identity identity;
    int rc = elf_module_identify(candidate->file, &identity, &cause);
    if (rc == 0)
        rc = check_identity(candidate, &identity, target);
    if (rc == 0 && candidate->verdict->failure_count > 0)
        return 0; /* its insides mean nothing on this target */
    if (rc == 0)
        rc = read_parts(candidate, sibling, &cause);
    if (rc < 0)
        return judge(candidate, rc, &cause, err);
    const char *name = modinfo_get(&candidate->modinfo, "name");
    candidate->name = name ? name : "";
    candidate->proprietary = !licence_allows_gpl_exports(&candidate->modinfo);
    candidate->readable = true;
    return check_parts(candidate, target) < 0 ? error_oom(err, "verifying modules") : 0;
}

void candidate_release(struct candidate *candidate) {
    export_table_release(&candidate->exports);
    modversions_release(&candidate->versions);
    elf_module_close(&candidate->elf);
}

/* Of two modules with one name, one in updates/ and one of the kernel's own for instance, only one
 * is ever loaded. */
static bool is_alternative(const struct candidate *one, const struct candidate *other) {
    return one->name && other->name && *one->name && strcmp(one->name, other->name) == 0;
}

const struct export *candidate_find_export(const struct candidate_set *set,
                                           const struct candidate *candidate, const char *name) {
    size_t count;
    size_t self = (size_t)(candidate - set->items);
    const struct export *kernel = NULL;
    const struct export *exports = export_table_find(&set->exports, name, &count);
    for (size_t i = 0; exports && i < count; i++) {
        if (exports[i].sibling == EXPORT_FROM_KERNEL)
            kernel = kernel ? kernel : &exports[i];
        else if (exports[i].sibling != self &&
                 !is_alternative(candidate, &set->items[exports[i].sibling]))
            return &exports[i];
    }
    return kernel;
}

const char *candidate_export_source(const struct candidate_set *set, const struct export *export) {
    return export->sibling == EXPORT_FROM_KERNEL ? set->target->symvers_name
                                                 : set->items[export->sibling].file->name;
}
