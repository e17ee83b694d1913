/* What a compile needs on this machine, looked at before anything is built (incident B1). */
#ifndef TOOLCHAIN_PREFLIGHT_H
#define TOOLCHAIN_PREFLIGHT_H

#include "base/error.h"
#include "toolchain/compiler.h"

/*
 * Checks that make, bash, awk, the binutils and the libc headers (by compiling and linking a small
 * program with `compiler`) are there. ERROR_DEPENDENCY names everything that is missing and the
 * packages to install, in one sentence. The kernel's objtool needs libelf's library as prebake
 * itself does, so that one is there whenever this runs.
 */
int preflight_check(const struct compiler *compiler, struct error *err) MUST_CHECK;

/* patch(1), for a source whose dkms.conf applies patches. ERROR_DEPENDENCY without it. */
int preflight_check_patch(struct error *err) MUST_CHECK;

#endif
