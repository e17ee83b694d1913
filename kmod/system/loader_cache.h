/* The dynamic loader's cache of a root, /etc/ld.so.cache: always the real ldconfig's output. */
#ifndef KMOD_LOADER_CACHE_H
#define KMOD_LOADER_CACHE_H

#include "base/error.h"
#include "base/root.h"

#define LOADER_CACHE "/etc/ld.so.cache"

/*
 * Runs ldconfig for the root as it is now. It makes no links (-X: they are somebody's files) and
 * does not believe its own record of what it read before (-i). A root without a cache, or without
 * that record, gets none. ldconfig replaces the file by a rename. ERROR_DEPENDENCY: no ldconfig on
 * this machine. ERROR_DAMAGED: it failed; its words are in the sentence.
 */
int loader_cache_refresh(const struct root *root, struct error *err) MUST_CHECK;

#endif
