/*
 * The manifest as mtree(5) text, with standard keywords only, so that standard tools check a root:
 *
 *     mtree -e -p ROOT -f ROOT/var/lib/prebake/manifest.mtree     (NetBSD's; Debian: mtree-netbsd)
 *     bsdtar -tvf manifest.mtree
 *
 * -e passes over what is in the root and not in the manifest. One line a path, sorted:
 *
 *     #mtree
 *     . type=dir
 *     ./usr type=dir
 *     ./usr/src type=dir
 *     ./usr/src/x-1 type=dir mode=0755 uid=0 gid=0
 *     ./usr/src/x-1/a type=file mode=0644 uid=0 gid=0 size=2 time=1700000000.500000000
 *         sha256digest=8f43…      (on the same line)
 *     ./usr/src/x-1/b type=link mode=0777 uid=0 gid=0 link=a time=1700000000.000000000
 *
 * A line with nothing but `type=dir` is a parent that the bake found there: mtree needs it to reach
 * what is below, it is no entry. Bytes other than letters, digits and "./_-+,:@%" are written as a
 * backslash and three octal digits (vis(3), VIS_OCTAL).
 */
#ifndef KMOD_MANIFEST_WRITE_H
#define KMOD_MANIFEST_WRITE_H

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/manifest.h"

/* Sorts the manifest and appends its text to `out`. ERROR_REFUSED when it is over
 * MANIFEST_SIZE_MAX. */
int manifest_format(struct manifest *manifest, struct buffer *out, struct error *err) MUST_CHECK;

/* Sorts the manifest, publishes it in the state folder (0644) and gives the digest of its bytes. */
int manifest_write(const struct root *root, struct manifest *manifest,
                   char sha256[static DIGEST_HEX_SIZE], struct error *err) MUST_CHECK;

#endif
