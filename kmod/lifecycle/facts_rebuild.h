/* What of the facts can be told from the manifest and the marker when the facts are lost. */
#ifndef KMOD_FACTS_REBUILD_H
#define KMOD_FACTS_REBUILD_H

#include "base/error.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/marker.h"

/*
 * Fills `facts` (empty before): kernel, machine, the DKMS registration, the compat marker (the
 * file whose content is one), and the module files with their paths, so that a teardown still can
 * look at what is left. Inodes, build ids and kept indexes can't be told: nothing is recorded of
 * them. −ENOMEM.
 */
int facts_rebuild(const struct manifest *manifest, const struct marker *marker, struct facts *facts,
                  struct error *err) MUST_CHECK;

#endif
