/* A small kernel folder of real ELF modules for tests of the module index. */
#ifndef TEST_SMALL_KERNEL_H
#define TEST_SMALL_KERNEL_H

#include "base/root.h"

#define SMALL_KERNEL "6.99.0-small"
#define SMALL_KERNEL_DIR "/lib/modules/" SMALL_KERNEL

/* usr-merge, modules.order and the like, and three modules: kernel/base.ko exports what
 * kernel/user.ko needs; kernel/twin.ko has a namesake in other folders when a test adds one. */
void small_kernel_make(const struct root *root);

/* One more module: its alias, the symbol it exports and the one it needs; each may be NULL. */
void small_kernel_module(const struct root *root, const char *path, const char *alias,
                         const char *exports, const char *needs);

/* Runs depmod -b -C on a copy of the kernel folder and says whether the index in place is what it
 * gives, file for file. */
bool small_kernel_index_is_depmods(const struct root *root);

/* Everything about the kernel folder's entries but the directories' times, one line each; the
 * caller frees. */
char *small_kernel_snapshot(const struct root *root);

/* Whether modules.dep.bin is there and modprobe resolves `module` through it. */
bool small_kernel_resolves(const struct root *root, const char *module);

#endif
