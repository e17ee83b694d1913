/* Making both variants of the loader's cache anew, at the end of an image's build. */
#ifndef KMOD_LOADER_VARIANTS_H
#define KMOD_LOADER_VARIANTS_H

#include "base/strlist.h"
#include "kmod/system/loader_cache.h"

/*
 * Makes both variants anew when what is in place is not the
 * recorded file, or not what ldconfig gives. `ours`: the bake's files, canonical paths inside the
 * root, without which "without" is made; where that can't be had, a teardown will run ldconfig.
 * *renewed is false when all was as recorded; else the caller writes the facts.
 */
int loader_variants_renew(const struct root *root, const char *store, const struct strlist *ours,
                          struct loader_cache *cache, bool *renewed, struct error *err) MUST_CHECK;

#endif
