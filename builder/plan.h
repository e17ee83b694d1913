/* What a bake is going to do: everything it needs to know, found without changing anything. */
#ifndef BUILDER_PLAN_H
#define BUILDER_PLAN_H

#include "base/digest.h"
#include "builder/bake_options.h"
#include "builder/supported_gpus.h"
#include "builder/userspace.h"
#include "kmod/module/compression.h"
#include "kmod/module/signing_key.h"
#include "kmod/system/dkms_tree.h"
#include "toolchain/compiler.h"
#include "toolchain/dkms_conf.h"
#include "toolchain/kernel_headers.h"
#include "toolchain/source.h"

struct plan {
    const struct root *root;
    const struct bake_options *options;
    struct kernel_headers headers;
    struct source source;
    struct dkms_conf conf;
    struct compiler compiler;
    enum compression compression;
    struct signing_key *key; /* NULL: the modules stay unsigned */
    struct dkms_paths dkms;
    struct strlist module_dirs; /* one a module: "/lib/modules/K/updates/dkms" */
    char *compat_marker;        /* where it is going to be, canonical; NULL: none */
    bool source_in_place;       /* the root has this very source in /usr/src already */
    bool dkms_added;            /* and DKMS has it registered as added */
    char bundle_id[DIGEST_HEX_SIZE];
    struct supported_gpus gpus;             /* empty without --supported-gpus */
    struct userspace userspace;             /* empty without --userspace */
    char userspace_digest[DIGEST_HEX_SIZE]; /* "" without */
};

/*
 * Finds and checks source, kernel headers, compiler, what else the compile needs, and the places in
 * the root. With options->bundle the modules are in that bundle already: no compiler is needed.
 * Errors as those of the parts: ERROR_NO_HEADERS, ERROR_DEPENDENCY, ERROR_EXCLUDED, ERROR_REFUSED
 * (a root that can't be written, a source with install-time scripts, a registration that is
 * somebody else's), ERROR_MISMATCH (a bundle that was made from other inputs), ERROR_SIGNING …
 */
int plan_make(const struct root *root, const struct bake_options *options, struct plan *plan,
              struct error *err) MUST_CHECK;

/* The same without any place: of the root only the kernel's headers count. */
int plan_make_build(const struct root *root, const struct bake_options *options, struct plan *plan,
                    struct error *err) MUST_CHECK;

void plan_release(struct plan *plan);
#define AUTO_PLAN AUTO(plan_release)

#endif
