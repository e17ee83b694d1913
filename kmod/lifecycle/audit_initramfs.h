/* Audit check "initramfs": every image in /boot is read, whatever was recorded of it; without a
 * bake for NVIDIA's modules by their names. */
#ifndef KMOD_AUDIT_INITRAMFS_H
#define KMOD_AUDIT_INITRAMFS_H

#include "kmod/lifecycle/audit_subject.h"

int audit_initramfs_check(struct audit_subject *subject, const char *check,
                          struct error *err) MUST_CHECK;

#endif
