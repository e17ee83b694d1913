/* Audit checks of what the bake's userspace adds to the system: libraries and programs. */
#ifndef KMOD_AUDIT_LOADER_H
#define KMOD_AUDIT_LOADER_H

#include "kmod/lifecycle/audit_subject.h"

/* "loader": the dynamic loader's cache, configuration and preloading, the folders that it looks
 * into, and links there that lead into the store. */
int audit_loader_check(struct audit_subject *subject, const char *check,
                       struct error *err) MUST_CHECK;

/* "programs": the bake's in the folders of PATH, and links there that lead into the store. */
int audit_loader_check_programs(struct audit_subject *subject, const char *check,
                                struct error *err) MUST_CHECK;

#endif
