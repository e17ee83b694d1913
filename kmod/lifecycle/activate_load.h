/* Loading an active bake's modules. */
#ifndef KMOD_ACTIVATE_LOAD_H
#define KMOD_ACTIVATE_LOAD_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/* ERROR_USAGE: the root is not the running system, whose modules could be loaded. */
int activate_load_check(const struct root *root, struct error *err) MUST_CHECK;

/*
 * Runs modprobe(8) for the bake's modules, as the running system's index knows them; what is loaded
 * already stays. ERROR_SIGNING: the kernel refused a signature
 * (EKEYREJECTED, lockdown's EPERM). ERROR_MISMATCH: a module found no device of its own (ENODEV) or
 * is of another build than the kernel (ENOEXEC). ERROR_INTERNAL: modprobe failed otherwise. The
 * sentence has its words.
 */
int activate_load_modules(const struct facts *facts, struct error *err) MUST_CHECK;

#endif
