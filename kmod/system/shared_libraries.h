/* Whether an ELF program could start inside a root: its DT_NEEDED closure and symbol versions. */
#ifndef KMOD_SHARED_LIBRARIES_H
#define KMOD_SHARED_LIBRARIES_H

#include "base/error.h"
#include "base/root.h"

/*
 * Resolves, inside the root, the ELF interpreter, every needed library (recursively) and every
 * symbol version the program and its libraries require (.gnu.version_r against the library's
 * .gnu.version_d), searching what ld.so(8) would: DT_RUNPATH/DT_RPATH with $ORIGIN, the root's
 * /etc/ld.so.conf and its includes, then the default and multiarch folders; a candidate of another
 * class or machine is passed over. A shared library is checked the same way, without interpreter; a
 * static program has nothing to check.
 *
 * `path` is where the program is, or will be, inside the root: for $ORIGIN and the sentences.
 * ERROR_DEPENDENCY (−ENOENT) names the first library or version that is missing, who needs it and
 * what to install. ERROR_DAMAGED: the program or a library is not ELF, or damaged.
 */
int shared_libraries_check(const struct root *root, int program_fd, const char *path,
                           struct error *err) MUST_CHECK;

#endif
