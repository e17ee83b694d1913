/*
 * Where the modules of a DKMS build are installed. dkms finds them by its dkms.conf, a program;
 * here a file counts as DKMS's when it is the tree's own copy, byte for byte (or, where dkms is
 * told to install links, a link to it), looked for in the folders for added modules,
 *
 *     /lib/modules/K/{updates,extra,weak-updates}/…      updates/dkms is one of these
 *
 * and, for modules that are in none of them, in all of /lib/modules/K. dkms installs a module once:
 * of several equal files the one in updates/dkms is its own, else in updates, else in extra, else
 * the first by path; the others are somebody's copies.
 */
#ifndef KMOD_DKMS_INSTALLED_H
#define KMOD_DKMS_INSTALLED_H

#include <sys/stat.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/compared_files.h"
#include "kmod/system/dkms_builds.h"
#include "kmod/system/module_table.h"

struct dkms_installed_file {
    char *path; /* inside the root, below /lib/modules/K */
    dev_t device;
    ino_t inode;
    bool replaced; /* by the module that it had displaced: what is at `path` now stays */
};

struct dkms_installed {
    struct module_table built; /* what the tree has for the kernel, by file name */
    struct dkms_installed_file *files;
    size_t count;
    size_t capacity;
    struct compared_files compared; /* installed files with the tree's copies, but not links */
    unsigned foreign; /* files of a built module's name that are not dkms': of other content or,
                         in those folders, further copies */
};

/*
 * Finds what of the build is installed; the caller releases. A kernel without /lib/modules/K, or a
 * build without modules or with a link in place of their folder, has nothing. Each folder is read
 * once, whatever the number of modules. Files that `known` has were compared before; NULL: every
 * one is read.
 */
int dkms_installed_find(const struct root *root, const struct dkms_build *build,
                        const struct compared_files *known, struct dkms_installed *installed,
                        struct error *err) MUST_CHECK;

/* The installed file that `st` is of, or NULL. */
struct dkms_installed_file *dkms_installed_same(const struct dkms_installed *installed,
                                                const struct stat *st);

void dkms_installed_release(struct dkms_installed *installed);
#define AUTO_DKMS_INSTALLED AUTO(dkms_installed_release)

#endif
