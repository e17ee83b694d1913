/* The initramfs images in a root's /boot, and knowing one again without reading it. */
#ifndef KMOD_INITRAMFS_FILES_H
#define KMOD_INITRAMFS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/root.h"

/* `inode` and `ctime_ns` name one writing of one file; in a copy of the root, and on file systems
 * that make inodes up (FAT), size and digest do. */
struct initramfs_file {
    char *path; /* inside the root */
    uint64_t inode;
    int64_t ctime_ns;
    uint64_t size;
    char sha256[DIGEST_HEX_SIZE]; /* "" until initramfs_files_digest() */
};

/* All zero is none. */
struct initramfs_files {
    struct initramfs_file *items; /* by path */
    size_t count;
};

/*
 * Finds them: the regular files in /boot and its folders whose name begins with "initrd" or
 * "initramfs", and those that a link of such a name leads to, wherever in the root they are, by
 * their own paths and once. A link that leads nowhere is none. `files` (empty before) is released
 * by the caller also after an error.
 */
int initramfs_files_find(const struct root *root, struct initramfs_files *files,
                         struct error *err) MUST_CHECK;

/* Adds one, all zero but for a copy of `path`; NULL when out of memory. */
struct initramfs_file *initramfs_files_add(struct initramfs_files *files, const char *path);

/* Whether `file`, as initramfs_files_find() found it, is one of `recorded`, which have digests. It
 * is read only when its size is the recorded one and its inode or ctime is not. */
int initramfs_files_is_recorded(const struct root *root, const struct initramfs_files *recorded,
                                const struct initramfs_file *file, bool *is_recorded,
                                struct error *err) MUST_CHECK;

/* Fills in the digests, from `recorded` where inode and ctime are the same. *changed: the two lists
 * are not the same. */
int initramfs_files_digest(const struct root *root, const struct initramfs_files *recorded,
                           struct initramfs_files *files, bool *changed,
                           struct error *err) MUST_CHECK;

void initramfs_files_release(struct initramfs_files *files);
#define AUTO_INITRAMFS_FILES AUTO(initramfs_files_release)

#endif
