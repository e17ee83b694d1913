/* Audit check "config": modules-load.d and modprobe.d lines that name a module of the bake. One
 * whose command names a path in the private store is found too. One that makes the system look for
 * a module that no kernel's index has is dangling: systemd's loading of modules fails at every
 * boot. */
#ifndef KMOD_AUDIT_CONFIG_H
#define KMOD_AUDIT_CONFIG_H

#include "kmod/lifecycle/audit_subject.h"

int audit_config_check(struct audit_subject *subject, const char *check,
                       struct error *err) MUST_CHECK;

#endif
