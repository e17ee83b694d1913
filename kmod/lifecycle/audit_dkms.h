/* Audit check "dkms": what DKMS has of the bake's name; without a bake, of NVIDIA's. */
#ifndef KMOD_AUDIT_DKMS_H
#define KMOD_AUDIT_DKMS_H

#include "kmod/lifecycle/audit_subject.h"

int audit_dkms_check(struct audit_subject *subject, const char *check,
                     struct error *err) MUST_CHECK;

#endif
