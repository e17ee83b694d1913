/*
 * The DKMS tree as dkms itself keeps it (DESIGN section 7; dkms' add_module, do_build, do_install):
 *
 *     /var/lib/dkms/<name>/<version>/source -> /usr/src/<name>-<version>
 *     /var/lib/dkms/<name>/<version>/<kernel>/<machine>/module/<dest>.ko[.xz]
 *     /var/lib/dkms/<name>/<version>/<kernel>/<machine>/log/make.log, .config
 *     /var/lib/dkms/<name>/kernel-<kernel>-<machine> -> <version>/<kernel>/<machine>
 */
#ifndef KMOD_DKMS_TREE_H
#define KMOD_DKMS_TREE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

#define DKMS_TREE "/var/lib/dkms"

/* How far dkms has come with a name/version for a kernel. */
enum dkms_state { DKMS_ABSENT, DKMS_ADDED, DKMS_BUILT, DKMS_INSTALLED };

/* The paths of one registration, for one kernel and machine; all owned, inside the root. */
struct dkms_paths {
    char *module_dir;    /* /var/lib/dkms/N */
    char *version_dir;   /* /var/lib/dkms/N/V */
    char *source_link;   /* …/source */
    char *source_dir;    /* /usr/src/N-V */
    char *kernel_dir;    /* …/V/K/M */
    char *built_dir;     /* …/V/K/M/module */
    char *log_dir;       /* …/V/K/M/log */
    char *kernel_link;   /* /var/lib/dkms/N/kernel-K-M */
    char *kernel_target; /* V/K/M */
};

int dkms_paths_make(const char *name, const char *version, const char *kernel, const char *machine,
                    struct dkms_paths *paths, struct error *err) MUST_CHECK;
void dkms_paths_release(struct dkms_paths *paths);
#define AUTO_DKMS_PATHS AUTO(dkms_paths_release)

/* What the tree says, by dkms' own rules (kernel-K-M leading to V/K/M means installed). */
int dkms_tree_state(const struct root *root, const char *name, const char *version,
                    const char *kernel, const char *machine, enum dkms_state *state,
                    struct error *err) MUST_CHECK;

/*
 * How many lines `dkms status` would print for `name`, all versions; NULL counts every name: one
 * for each name/version/kernel/machine that is built or installed, and one for a version that is
 * added but built for no kernel (a leftover of that kind is rebuilt at the next kernel update).
 */
int dkms_tree_count(const struct root *root, const char *name, unsigned *count,
                    struct error *err) MUST_CHECK;

#endif
