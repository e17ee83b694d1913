/* The name of a bundle: the digest of all that its bytes depend on. */
#ifndef BUILDER_BUNDLE_ID_H
#define BUILDER_BUNDLE_ID_H

#include "base/digest.h"
#include "builder/plan.h"

/*
 * Digest over: the source's digest, what dkms.conf says for this kernel (its overrides included),
 * the kernel's release, vermagic, configuration and Module.symvers, every file of its headers that
 * a compile reads, and the compiler's version. Signing, compression, jobs and folders don't count:
 * they are not in the bundle.
 */
int bundle_id_make(const struct plan *plan, char id[static DIGEST_HEX_SIZE],
                   struct error *err) MUST_CHECK;

#endif
