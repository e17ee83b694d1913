/* Audit checks of modules: the kernels' indexes and what is below /lib/modules. */
#ifndef KMOD_AUDIT_MODULES_H
#define KMOD_AUDIT_MODULES_H

#include "kmod/lifecycle/audit_subject.h"

/* "index": whether modprobe finds a module of the bake, and whether an index names what is gone. */
int audit_modules_check_index(struct audit_subject *subject, const char *check,
                              struct error *err) MUST_CHECK;

/* "files": module files of the bake, copies of them, and others of their names. */
int audit_modules_check_files(struct audit_subject *subject, const char *check,
                              struct error *err) MUST_CHECK;

#endif
