/* Where modules come from: a DKMS source tree, or a .deb or tarball that carries one. */
#ifndef TOOLCHAIN_SOURCE_H
#define TOOLCHAIN_SOURCE_H

#include "base/digest.h"
#include "base/error.h"
#include "base/temporary.h"

struct source {
    char *path;                   /* the directory that holds dkms.conf, on this machine */
    struct temporary temporary;   /* what it was unpacked into; none for a directory */
    char *origin;                 /* what the user named */
    char digest[DIGEST_HEX_SIZE]; /* see source_digest.h */
};

/*
 * Opens SRC: a directory with dkms.conf at its top; a .deb with usr/src/NAME/dkms.conf; a tar
 * archive with dkms.conf at its top or in a top folder (also dkms mktarball's dkms_source_tree).
 * ERROR_USAGE when it does not exist or is neither; ERROR_REFUSED for unsafe archives, and for
 * trees with devices, sockets, fifos or links that lead out of them; ERROR_DAMAGED ("no dkms.conf")
 * when it holds none, or several.
 */
int source_open(const char *spec, struct source *source, struct error *err) MUST_CHECK;
/* Removes what was unpacked. */
void source_close(struct source *source);
#define AUTO_SOURCE AUTO(source_close)

#endif
