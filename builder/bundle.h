/*
 * Bundles: the immutable result of one build. Stripped, unsigned, uncompressed modules and where
 * they came from; named by the digest of all inputs, so that it is found again instead of built.
 *
 *     <cache>/<id>/bundle.json          format, id, inputs, and the digest of each file
 *     <cache>/<id>/modules/<dest>.ko
 *     <cache>/<id>/make.log
 *     <output>/source/                  the source tree, in a bundle of `prebake build` alone
 */
#ifndef BUILDER_BUNDLE_H
#define BUILDER_BUNDLE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/temporary.h"
#include "builder/plan.h"

struct bundle {
    char *path;                 /* on this machine */
    struct temporary temporary; /* where it is when it is in no cache */
    bool reused;                /* it was in the cache */
};

/*
 * Gives the plan's bundle: the one that was named, or from the cache when it is there and whole,
 * else built, verified against the target, stripped, and put into the cache. Errors of
 * kbuild_run(); ERROR_DAMAGED when a module would not load on the target, or the named bundle is
 * not whole.
 */
int bundle_get(const struct plan *plan, struct bundle *bundle, struct error *err) MUST_CHECK;

/* "<path>/modules/<dest_name>.ko"; the caller frees. */
char *bundle_module_path(const struct bundle *bundle, const char *dest_name);

void bundle_release(struct bundle *bundle);
#define AUTO_BUNDLE AUTO(bundle_release)

#endif
