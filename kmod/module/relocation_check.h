/* Can the kernel's loader lay the module's sections out and relocate them? */
#ifndef KMOD_MODULE_RELOCATION_CHECK_H
#define KMOD_MODULE_RELOCATION_CHECK_H

#include "kmod/module/candidate.h"

/*
 * No section is writable and executable (module_enforce_rwx_sections() of the kernel); what is
 * loaded has relocations with addends only, of kinds that apply_relocate_add() of the architecture
 * knows, of symbols that are there, at places inside the section that hold zeros (x86-64). One
 * failure a section. 0 or −ENOMEM.
 */
int relocation_check_run(struct candidate *candidate) MUST_CHECK;

#endif
