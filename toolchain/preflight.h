/* What a compile needs on this machine, looked at before anything is built (incident B1). */
#ifndef TOOLCHAIN_PREFLIGHT_H
#define TOOLCHAIN_PREFLIGHT_H

#include "base/error.h"
#include "toolchain/compiler.h"

/*
 * Checks that make, bash, the binutils, the libc headers (by compiling and linking a small program
 * with `compiler`) and, where the target's objtool needs it, libelf are there. ERROR_DEPENDENCY
 * names every missing package in one sentence.
 */
int preflight_check(const struct compiler *compiler, struct error *err) MUST_CHECK;

#endif
