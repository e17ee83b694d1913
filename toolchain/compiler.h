/* The compiler a kernel was built with. */
#ifndef TOOLCHAIN_COMPILER_H
#define TOOLCHAIN_COMPILER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strlist.h"

struct compiler {
    char *path;    /* absolute path on this machine */
    char *name;    /* "gcc-12": what CC is set to */
    char *version; /* first line of `CC --version`, the program's name included */
};

/*
 * The program names to look for, the likeliest first: for "x86_64-linux-gnu-gcc-12 (Debian …)
 * 12.2.0" that name, then gcc-12, gcc; for "Debian clang version 14.0.6" clang-14, clang. Nothing
 * for any other program: the text comes from the target and names what root is about to run.
 * 0 or −ENOMEM.
 */
int compiler_candidates(const char *version_text, struct strlist *names) MUST_CHECK;

/*
 * Finds the compiler that `version_text` (CONFIG_CC_VERSION_TEXT) names. The text after the
 * program's name is compared, so "gcc-12 (Debian …) 12.2.0" and "x86_64-linux-gnu-gcc-12 (Debian …)
 * 12.2.0" are one. ERROR_DEPENDENCY when the program is not there (names the package to install) or
 * when it is another version (names both), unless `allow_mismatch`.
 */
int compiler_find(const char *version_text, bool allow_mismatch, struct compiler *compiler,
                  struct error *err) MUST_CHECK;
void compiler_release(struct compiler *compiler);
#define AUTO_COMPILER AUTO(compiler_release)

#endif
