/* Which paths of a manifest are one file with several names. */
#ifndef KMOD_LINK_GROUPS_H
#define KMOD_LINK_GROUPS_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"

/* Sets link_group of each of facts->placed, which belong to the sorted manifest, from what is
 * beneath the root now: groups are numbered from 1, a file with one name in the manifest is 0. */
int link_groups_find(const struct root *root, const struct manifest *manifest, struct facts *facts,
                     struct error *err) MUST_CHECK;

#endif
