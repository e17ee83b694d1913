/* Recording anew what the system knows of a bake's paths. */
#ifndef KMOD_RECORDING_H
#define KMOD_RECORDING_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"

/*
 * A root that was copied file by file has new inodes. When everything was found to be ours by its
 * content, and no package's (bake_check_paths()), its inodes and times, in its places or in the
 * store, are recorded in `facts`, so that nobody has to read it all again. The caller writes the
 * facts.
 */
int recording_renew(const struct root *root, const struct manifest *manifest, struct facts *facts,
                    struct error *err) MUST_CHECK;

#endif
