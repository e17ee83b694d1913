/* A module under verification: opened once, looked at by every check. */
#ifndef KMOD_MODULE_CANDIDATE_H
#define KMOD_MODULE_CANDIDATE_H

#include "kmod/module/cms_identity.h"
#include "kmod/module/elf_module.h"
#include "kmod/module/export_table.h"
#include "kmod/module/modinfo.h"
#include "kmod/module/modversions.h"
#include "kmod/module/verify.h"

struct candidate {
    const struct module_file *file;
    struct verify_verdict *verdict;
    bool readable; /* what follows is filled; otherwise the verdict says what is broken */
    struct elf_module elf;
    struct modinfo modinfo;
    struct modversions versions;
    struct export_table exports;
    const struct elf_section *this_module; /* struct module; NULL when it has none */
    const char *name;                      /* in the kernel: .modinfo's, "" when it has none */
    bool proprietary;                      /* the kernel will not let it use GPL-only exports … */
    const char *proprietary_for; /* … because it uses exports of this file; NULL: of its licence */
};

struct candidate_set {
    const struct verify_target *target;
    struct candidate *items;
    size_t count;
    struct export_table exports; /* the kernel's and the modules' own */
    struct cms_identity *signer; /* the target's certificate, NULL when it names none */
};

/*
 * Opens the file and judges what concerns itself alone: object, class, type, machine, modinfo,
 * vermagic. Failures go into the verdict; returns only what no verdict can say (memory).
 */
int candidate_load(struct candidate *candidate, const struct verify_target *target, size_t sibling,
                   struct error *err) MUST_CHECK;
void candidate_release(struct candidate *candidate);

/*
 * Who `candidate` gets `name` from: a sibling before the kernel, as what the set brings along is
 * what will be loaded. A sibling with the candidate's own name is never loaded beside it. NULL when
 * nobody exports it.
 */
const struct export *candidate_find_export(const struct candidate_set *set,
                                           const struct candidate *candidate, const char *name);

/* The file that says so of an export: the sibling's, or Module.symvers. */
const char *candidate_export_source(const struct candidate_set *set, const struct export *export);

#endif
