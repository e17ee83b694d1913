/*
 * A root with a bake made by hand: a module, its registration with DKMS, and a userspace with a
 * setuid program, a library, the loader's configuration and a modules-load.d line; the index and
 * the loader's cache are the real tools'. Every function ends the program when it can't do its
 * work.
 */
#ifndef TEST_UNIT_BAKED_ROOT_H
#define TEST_UNIT_BAKED_ROOT_H

#include "base/root.h"
#include "test/unit/small_kernel.h"

#define BAKED_NAME "baked-ours"
#define BAKED_VERSION "1.0"
#define BAKED_FILE "/usr" SMALL_KERNEL_DIR "/updates/dkms/baked-ours.ko"
#define BAKED_SOURCE_LINK "/var/lib/dkms/" BAKED_NAME "/" BAKED_VERSION "/source"
#define BAKED_KERNEL_LINK "/var/lib/dkms/" BAKED_NAME "/kernel-" SMALL_KERNEL "-x86_64"
#define BAKED_PROGRAM "/usr/bin/baked-helper" /* setuid */
#define BAKED_LIBRARY "/usr/lib/baked/libbaked.so.1"
#define BAKED_LOADER "/etc/ld.so.conf.d/baked.conf"
#define BAKED_LOAD "/etc/modules-load.d/baked.conf" /* names the module */

/* The root without the bake: a kernel with an index, a loader's cache. */
void baked_root_make(struct root *root);

/* Places the bake and writes its records, active. */
void baked_root_bake(const struct root *root);

/* The same, parked. */
void baked_root_bake_parked(const struct root *root);

/* Runs depmod and ldconfig. */
void baked_root_refresh(const struct root *root);

#endif
