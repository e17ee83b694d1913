/* Whether a bake still is what it was when it was made: every file, and what the system knows of
 * it. Files are read, whatever their times say. */
#ifndef KMOD_LAYOUT_H
#define KMOD_LAYOUT_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"

/*
 * Checks that the kernel is there, each path of the manifest is what was placed (bake.h), each
 * module says what the facts say of it, and DKMS has the registration. ERROR_DAMAGED with the first
 * thing that is not so and what to do.
 */
int layout_check(const struct root *root, const struct manifest *manifest,
                 const struct facts *facts, struct error *err) MUST_CHECK;

#endif
