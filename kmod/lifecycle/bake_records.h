/*
 * The records of a bake, read as what they are: those of the bake that the marker speaks of. A
 * manifest or facts left from another one (a restored backup, a folder copied by hand) would remove
 * or promise the wrong things.
 */
#ifndef KMOD_BAKE_RECORDS_H
#define KMOD_BAKE_RECORDS_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/marker.h"

/*
 * Reads the manifest that `marker` names by its digest. ERROR_DAMAGED when there is none,
 * ERROR_REFUSED when there is another one, and as manifest_read().
 */
int bake_records_manifest(const struct root *root, const struct marker *marker,
                          struct manifest *manifest, struct error *err) MUST_CHECK;

/*
 * Reads the facts about the manifest that `marker` names. ERROR_DAMAGED when there are none (the
 * result is −ENOENT then) or only those of another bake, and as facts_read().
 */
int bake_records_facts(const struct root *root, const struct marker *marker, struct facts *facts,
                       struct error *err) MUST_CHECK;

#endif
