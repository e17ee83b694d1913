/* Where modules come from: a DKMS source tree, or a .deb or tarball that carries one. */
#ifndef TOOLCHAIN_SOURCE_H
#define TOOLCHAIN_SOURCE_H

#include "base/digest.h"
#include "base/error.h"

struct source {
    char *path;                   /* the directory that holds dkms.conf, on this machine */
    char *temporary;              /* private folder it was unpacked into, NULL for a directory */
    char *origin;                 /* what the user named */
    char digest[DIGEST_HEX_SIZE]; /* over every path, type, permission, link target and content */
};

/*
 * Opens SRC. ERROR_USAGE when it does not exist or is neither; ERROR_REFUSED for unsafe archives;
 * ERROR_DAMAGED ("no dkms.conf") when it holds none, or several.
 */
int source_open(const char *spec, struct source *source, struct error *err) MUST_CHECK;
/* Removes what was unpacked. */
void source_close(struct source *source);
#define AUTO_SOURCE AUTO(source_close)

#endif
