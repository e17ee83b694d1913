/* The modules that a teardown may find loaded. */
#ifndef KMOD_BAKE_RESIDENTS_H
#define KMOD_BAKE_RESIDENTS_H

#include "base/error.h"
#include "kmod/lifecycle/derived_modules.h"
#include "kmod/lifecycle/known_modules.h"
#include "kmod/lifecycle/removal.h"

/*
 * Fills `modules` from the facts or, when those are lost (removal->facts is NULL), from the files
 * that `facts` lists and that still are ours; from what DKMS derived for the running kernel; from
 * the record of an earlier run. Nothing for a tree that is not the running system's own. The caller
 * releases. Errors as known_modules_read_record(), and I/O errors.
 */
int bake_residents_find(const struct removal *removal, const struct facts *facts,
                        const struct derived *derived, struct known_modules *modules,
                        struct error *err) MUST_CHECK;

#endif
