/* Taking what a build made out of the build's reach. */
#ifndef TOOLCHAIN_COLLECT_H
#define TOOLCHAIN_COLLECT_H

#include "base/error.h"

#define COLLECT_SIZE_MAX (512LL << 20)

/*
 * Copies the file `path` (relative, no link anywhere in it) below the directory `from` to the new
 * file `to` on this machine: 0644, owned by root. Call it when no process of the build is left.
 * ERROR_BUILD when it is missing, and when it is not a regular file with one link and at most
 * COLLECT_SIZE_MAX bytes.
 */
int collect_file(int from, const char *path, const char *to, struct error *err) MUST_CHECK;

#endif
