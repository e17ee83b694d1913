/*
 * The libraries of a legacy image. The AKS GPU image installs them below a folder of its own
 * (Azure/aks-gpu, install.sh: GPU_DEST=/usr/bin, `cp -a /tmp/overlay/lib64 ${GPU_DEST}/lib64` into
 * an existing folder, hence the second lib64) and, on the first boot with a GPU, copies them to the
 * system's library folder (`cp -r /usr/bin/lib64/lib64/x /usr/lib/${ARCH}-linux-gnu/`).
 */
#ifndef KMOD_LEGACY_LIBRARIES_H
#define KMOD_LEGACY_LIBRARIES_H

#include "base/error.h"
#include "kmod/lifecycle/legacy_paths.h"
#include "kmod/lifecycle/legacy_proof.h"

#define LEGACY_LIBRARIES "/usr/bin/lib64"

/*
 * Adds everything in the library folder, its folders included, and what stands under the same names
 * in /usr/lib/<machine>-linux-gnu (`machine` is the marker's arch; "" looks for no copies). A link
 * in the folder's place is added as a link and not followed.
 */
int legacy_libraries_collect(const struct root *root, const char *machine,
                             struct legacy_paths *paths, struct error *err) MUST_CHECK;

/* Sets item->ours of a file in the library folder: its name ends in the version, or it is proven by
 * legacy_proof_of_file(). */
int legacy_libraries_prove(const struct legacy_evidence *evidence, const char *machine,
                           struct legacy_path *item, struct error *err) MUST_CHECK;

/* When the files of the folder are proven: sets ours and rank of the files that are copies of one
 * that is ours, byte for byte. */
int legacy_libraries_prove_copies(const struct root *root, struct legacy_paths *paths,
                                  struct error *err) MUST_CHECK;

#endif
