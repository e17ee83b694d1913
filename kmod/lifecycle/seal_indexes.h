/*
 * Bringing the facts of a bake's indexes up to date: kernels that are gone are forgotten, kernels
 * that DKMS built the bake's modules for since get variants too, and each index whose tree changed
 * gets its variants anew (index_variants.h).
 */
#ifndef KMOD_SEAL_INDEXES_H
#define KMOD_SEAL_INDEXES_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/derived.h"
#include "kmod/lifecycle/facts.h"

struct seal_indexes {
    struct strlist renewed; /* kernels, to be committed when the facts are on disk */
    unsigned forgotten;
};

/*
 * Changes the index files in place, the store, and facts->indexes in memory. The caller then writes
 * the facts, syncs, and calls seal_indexes_commit(); killed before, a teardown is still right.
 * ERROR_DEPENDENCY, ERROR_DAMAGED: depmod is missing or failed.
 */
int seal_indexes_renew(const struct root *root, const struct derived *derived, struct facts *facts,
                       struct seal_indexes *indexes, struct error *err) MUST_CHECK;

/* From here on teardowns switch the renewed kernels; nothing of the forgotten ones is kept. */
int seal_indexes_commit(const struct root *root, const struct facts *facts,
                        const struct seal_indexes *indexes, struct error *err) MUST_CHECK;

void seal_indexes_release(struct seal_indexes *indexes);
#define AUTO_SEAL_INDEXES AUTO(seal_indexes_release)

#endif
