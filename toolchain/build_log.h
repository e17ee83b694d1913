/* The log of a make run: what went wrong first. */
#ifndef TOOLCHAIN_BUILD_LOG_H
#define TOOLCHAIN_BUILD_LOG_H

#include "base/error.h"

struct build_log_error {
    char *file;    /* "nvidia/nv-pci.c", below the build directory where it is; "" when none */
    unsigned line; /* 0 when none */
    char *message; /* "error: too few arguments to function 'pci_resize_resource'" */
};

/*
 * Finds the first line of the best kind that the log has: a compiler's or linker's error; else
 * modpost's, or a missing program or file; else make's own "***"; else the last line. `build_dir`
 * is the prefix that file names lose. Lines longer than 4 KiB count by their beginning. A log
 * without any text gives "make said nothing".
 */
int build_log_first_error(const char *path, const char *build_dir, struct build_log_error *found,
                          struct error *err) MUST_CHECK;
void build_log_release(struct build_log_error *found);
#define AUTO_BUILD_LOG AUTO(build_log_release)

/* "nvidia/nv-pci.c:223: error: …"; the caller frees. NULL when out of memory. */
char *build_log_describe(const struct build_log_error *found);

#endif
