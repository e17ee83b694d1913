/* Kernel headers that are not installed: a directory somewhere, or the packages they come in. */
#ifndef TOOLCHAIN_HEADERS_SOURCE_H
#define TOOLCHAIN_HEADERS_SOURCE_H

#include "toolchain/kernel_headers.h"

/*
 * Reads the headers that `spec` names: a directory with include/generated in it, or packages,
 * "HEADERS.deb[,COMMON.deb]", of which only the files that kernel_headers_read() wants are
 * unpacked, into a temporary folder that is gone afterwards (headers->shown_dir names the
 * package). `release` tells between several, and must be theirs; NULL for the only one.
 *
 * ERROR_USAGE: nothing there, neither of the two, or several kernels' headers and no release.
 * ERROR_NO_HEADERS: none in it. ERROR_REFUSED and ERROR_DAMAGED as archive_unpack() and
 * kernel_headers_read(), and ERROR_DAMAGED when they are another release's.
 */
int headers_source_read(const char *spec, const char *release, struct kernel_headers *headers,
                        struct error *err) MUST_CHECK;

#endif
