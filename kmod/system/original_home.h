/* Where a module came from that dkms keeps as an original_module. */
#ifndef KMOD_ORIGINAL_HOME_H
#define KMOD_ORIGINAL_HOME_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/dkms_installed.h"
#include "kmod/system/module_table.h"

/* What tells it, for one kernel. */
struct original_home {
    const struct root *root;
    const char *kernel;
    const char *store;          /* …/original_module/K/M */
    struct module_table own;    /* modules.order: "kernel/drivers/net/foo.ko" */
    struct module_table places; /* installed DKMS modules: "/lib/modules/K/extra/foo.ko" */
};

/* Reads modules.order (a kernel without one has no own modules). The caller releases. */
int original_home_open(const struct root *root, const char *kernel, const char *store,
                       const struct dkms_installed *installed, struct original_home *home,
                       struct error *err) MUST_CHECK;

/*
 * The path inside the root for the stored module `stored` (relative to the store: "foo.ko.xz",
 * "collisions/extra/foo.ko"); the caller frees. NULL on success: nothing tells. An .origin file
 * that names no module file below the kernel's folder tells nothing.
 */
int original_home_find(const struct original_home *home, const char *stored, char **path,
                       struct error *err) MUST_CHECK;

void original_home_release(struct original_home *home);
#define AUTO_ORIGINAL_HOME AUTO(original_home_release)

#endif
