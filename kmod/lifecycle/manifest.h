/*
 * The manifest: every path a bake placed, the authority for moving or removing anything. Here is
 * the list in memory; manifest_write.h and manifest_read.h turn it into mtree(5) text and back.
 */
#ifndef KMOD_MANIFEST_H
#define KMOD_MANIFEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/root.h"

/* Far above any driver (a full NVIDIA userspace is under 2,000 paths), and it bounds memory. */
#define MANIFEST_ENTRIES_MAX 65536
#define MANIFEST_SIZE_MAX (16 * 1024 * 1024)

enum manifest_type { MANIFEST_DIR, MANIFEST_FILE, MANIFEST_LINK };

struct manifest_entry {
    char *path; /* absolute inside the root, canonical: safe_name_path() and no link on the way */
    enum manifest_type type;
    mode_t mode; /* permission bits, 07777 */
    uid_t uid;
    gid_t gid;
    uint64_t size;                /* files */
    char *target;                 /* links, else NULL */
    struct timespec mtime;        /* files and links; a directory's changes with what it holds */
    char sha256[DIGEST_HEX_SIZE]; /* files, else "" */
};

struct manifest {
    struct manifest_entry *entries;
    size_t count;
    size_t capacity;
};

/*
 * Adds a copy of `entry`; fields that its type does not have are dropped. ERROR_REFUSED: a path
 * that is not canonical, a link without a target, a file without a digest, more than
 * MANIFEST_ENTRIES_MAX entries.
 */
int manifest_add(struct manifest *manifest, const struct manifest_entry *entry,
                 struct error *err) MUST_CHECK;

/*
 * Adds `path` as it is now beneath the root: lstat(2), the target of a link, the digest of a file.
 * ERROR_REFUSED when it is anything else (a device, a socket).
 */
int manifest_record(struct manifest *manifest, const struct root *root, const char *path,
                    struct error *err) MUST_CHECK;

/*
 * Sorts by path, byte order: a directory comes before what it holds, so walking backwards removes
 * children first. Facts are kept by position in this order. A path that is there twice is
 * ERROR_REFUSED.
 */
int manifest_sort(struct manifest *manifest, struct error *err) MUST_CHECK;

/* The entry of `path` in a sorted manifest, or NULL. */
const struct manifest_entry *manifest_find(const struct manifest *manifest, const char *path);

void manifest_release(struct manifest *manifest);
#define AUTO_MANIFEST AUTO(manifest_release)

#endif
