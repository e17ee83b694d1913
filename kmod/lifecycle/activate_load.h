/* Loading an active bake's modules. */
#ifndef KMOD_ACTIVATE_LOAD_H
#define KMOD_ACTIVATE_LOAD_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/*
 * Runs modprobe(8) for the bake's modules, as the index knows them; what is loaded already stays.
 * ERROR_USAGE: the root is not the running system. ERROR_SIGNING: the kernel refused a signature
 * (EKEYREJECTED, lockdown's EPERM). ERROR_MISMATCH: a module found no device of its own (ENODEV) or
 * is of another build than the kernel (ENOEXEC). ERROR_INTERNAL: modprobe failed otherwise. The
 * sentence has its words.
 */
int activate_load_modules(const struct root *root, const struct facts *facts,
                          struct error *err) MUST_CHECK;

#endif
