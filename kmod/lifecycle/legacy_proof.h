/* What proves that a file in a legacy image's known places is of the marker's driver version. */
#ifndef KMOD_LEGACY_PROOF_H
#define KMOD_LEGACY_PROOF_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/installer_log.h"

struct legacy_evidence {
    const struct root *root;
    const char *version;
    struct installer_log log; /* empty when the installer left none of this version */
};

/*
 * Whether the regular file `path` is the driver's: an ELF file that carries the version, one whose
 * content the installer's log has as installed at `logged` (NULL: not to be found there), or a
 * script "….sh" with the version in its text. Anything else proves nothing: a customer's script in
 * the place of a program least of all. Errors are I/O errors and −ENOMEM.
 */
int legacy_proof_of_file(const struct legacy_evidence *evidence, const char *path,
                         const char *logged, bool *proved, struct error *err) MUST_CHECK;

#endif
