/* Will the kernel find what a module imports, and let the module have it? */
#ifndef KMOD_MODULE_IMPORT_CHECK_H
#define KMOD_MODULE_IMPORT_CHECK_H

#include "kmod/module/candidate.h"

/*
 * Whether the kernel resolves symbol table entry `symbol` by name: undefined, and not one of those
 * it leaves alone on `machine` (ignore_undef_symbol() in kernel/module/main.c).
 */
bool import_check_is_import(const struct elf_symbol *symbol, uint16_t machine);

/*
 * Marks the modules that the kernel will hold for proprietary because they use exports of a
 * proprietary sibling (inherit_taint() in kernel/module/main.c, since 5.9).
 */
void import_check_spread_taint(struct candidate_set *set);

/* Checks symbol, licence, namespace, and that each import has a CRC. 0 or −ENOMEM. */
int import_check_run(const struct candidate_set *set, struct candidate *candidate) MUST_CHECK;

#endif
