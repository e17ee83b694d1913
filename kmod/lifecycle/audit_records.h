/* Audit checks of the bake's own records, and of each path where it belongs. */
#ifndef KMOD_AUDIT_RECORDS_H
#define KMOD_AUDIT_RECORDS_H

#include "kmod/lifecycle/audit_subject.h"

/* "records": marker and state word. */
int audit_records_check(struct audit_subject *subject, const char *check,
                        struct error *err) MUST_CHECK;

/* "paths": every path of the manifest, in its place or in the store. */
int audit_records_check_paths(struct audit_subject *subject, const char *check,
                              struct error *err) MUST_CHECK;

#endif
