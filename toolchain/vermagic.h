/*
 * The version magic that modpost gives a module, worked out from the text of generated headers.
 * The rule is include/linux/vermagic.h of the kernel:
 *
 *   6.1.0-47-cloud-amd64 SMP preempt mod_unload modversions aarch64RANDSTRUCT_<hash>
 *   \________________/   |     |         |           |         |          |
 *       UTS_RELEASE  CONFIG_SMP|  CONFIG_MODULE_  CONFIG_   MODULE_ARCH_  with struct layout
 *                              |      UNLOAD    MODVERSIONS  VERMAGIC      randomisation
 *       CONFIG_PREEMPT_BUILD (CONFIG_PREEMPT before 5.16): "preempt "
 *       else CONFIG_PREEMPT_RT: "preempt_rt "
 *
 * Each word brings its own space, so the string ends in one on x86-64.
 */
#ifndef TOOLCHAIN_VERMAGIC_H
#define TOOLCHAIN_VERMAGIC_H

#include <stdbool.h>

#include "base/cleanup.h"

/* Whether the text of autoconf.h defines `symbol` ("CONFIG_SMP"). */
bool vermagic_defines(const char *autoconf, const char *symbol);

/*
 * The string literal that the C text gives the macro `name` (`#define name "…"`); the caller frees.
 * NULL when there is none or out of memory.
 */
char *vermagic_string_macro(const char *text, const char *name);

/*
 * The version magic, the caller frees. `autoconf` is the text of include/generated/autoconf.h,
 * `layout_seed` RANDSTRUCT_HASHED_SEED of a kernel with CONFIG_RANDSTRUCT (5.19) or
 * CONFIG_GCC_PLUGIN_RANDSTRUCT (before), else NULL. NULL when out of memory.
 */
char *vermagic_compose(const char *release, const char *autoconf, const char *layout_seed);

/*
 * The header, below include/generated, that holds the kernel's layout seed:
 * "randstruct_hash.h", "randomize_layout_hash.h" before 5.19, NULL when it has none.
 */
const char *vermagic_seed_header(const char *autoconf);

#endif
