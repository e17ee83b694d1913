/* Audit check "privileged": setuid, setgid and file capabilities of the bake's files and in the
 * private store. */
#ifndef KMOD_AUDIT_PRIVILEGES_H
#define KMOD_AUDIT_PRIVILEGES_H

#include "kmod/lifecycle/audit_subject.h"

int audit_privileges_check(struct audit_subject *subject, const char *check,
                           struct error *err) MUST_CHECK;

#endif
