/* Links among a legacy image's libraries and programs: proven by what they lead to. */
#ifndef KMOD_LEGACY_LINKS_H
#define KMOD_LEGACY_LINKS_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/legacy_paths.h"

/*
 * Sets ours and rank of the links among libraries, copies and programs, once the files are proven:
 * a library's link when its target's name ends in the version ("libcuda.so.1 ->
 * libcuda.so.580.126.09"), any link when its target is a path that is ours. No link is followed,
 * the target's text decides. −ENOMEM and I/O errors.
 */
int legacy_links_prove(const struct root *root, const char *version, struct legacy_paths *paths,
                       struct error *err) MUST_CHECK;

#endif
