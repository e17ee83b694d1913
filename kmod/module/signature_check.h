/* Will the kernel take the module's signature? */
#ifndef KMOD_MODULE_SIGNATURE_CHECK_H
#define KMOD_MODULE_SIGNATURE_CHECK_H

#include "kmod/module/candidate.h"

/*
 * With a certificate in the target: the module is signed with its key, the hash is the configured
 * one (others may be modules that are not loaded yet), the key and the algorithm such that the
 * kernel can check them from its start on. Without: signed at all where the configuration forces
 * it; a signature that is there has a form that the kernel reads, as it refuses a malformed one
 * even where it takes unsigned modules (kernel/module/signing.c). 0 or −ENOMEM.
 */
int signature_check_run(const struct candidate_set *set, struct candidate *candidate) MUST_CHECK;

#endif
