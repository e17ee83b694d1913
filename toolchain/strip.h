/* Removing debugging information, with the real strip. */
#ifndef TOOLCHAIN_STRIP_H
#define TOOLCHAIN_STRIP_H

#include "base/error.h"

/*
 * Replaces the module `path` on this machine by what `strip -g` makes of it, as dkms does. strip
 * reads what code of the source wrote, so it runs confined, on a copy. ERROR_DAMAGED when strip
 * refuses the file, with its own first words; the file is then as it was.
 */
int strip_debug(const char *path, struct error *err) MUST_CHECK;

#endif
