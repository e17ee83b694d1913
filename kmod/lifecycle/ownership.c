#include "kmod/lifecycle/ownership.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>

#include "base/beneath.h"
#include "base/log.h"
#include "base/path.h"
#include "base/timestamp.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/package_owner.h"

int ownership_context_make(const struct root *root, const struct facts *facts,
                           struct ownership_context *context, struct error *err) {
    *context = (struct ownership_context){.copied = true};
    if (!facts || !facts->manifest.inode)
        return 0;
    struct stat st;
    int rc = root_stat(root, STATE_FOLDER_MANIFEST, &st);
    if (rc && rc != -ENOENT)
        return error_io(err, -rc, "can't look at %s%s", root->path, STATE_FOLDER_MANIFEST);
    context->copied = rc == -ENOENT || st.st_ino != facts->manifest.inode ||
                      timestamp_ns(st.st_ctim) != facts->manifest.ctime_ns;
    return 0;
}

/* Opens a manifest path with no link followed anywhere on the way (its own form is canonical). */
static int open_exactly(const struct root *root, const char *path, int flags) {
    return beneath_resolve(root->fd, path + 1, flags | O_NOFOLLOW,
                           RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static bool has_type(const struct stat *st, enum manifest_type type) {
    switch (type) {
    case MANIFEST_DIR:
        return S_ISDIR(st->st_mode);
    case MANIFEST_FILE:
        return S_ISREG(st->st_mode);
    case MANIFEST_LINK:
        return S_ISLNK(st->st_mode);
    }
    return false;
}

static bool has_target(int fd, const struct manifest_entry *entry) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(fd, "", target, sizeof target - 1);
    if (size < 0)
        return false;
    target[size] = '\0';
    return !strcmp(target, entry->target);
}

/* The descriptor that was looked at is O_PATH: reading needs another one, of the same file. */
static int has_content(const struct root *root, const struct manifest_entry *entry,
                       const struct stat *seen, bool *same, struct error *err) {
    *same = false;
    if ((uint64_t)seen->st_size != entry->size)
        return 0;
    AUTO_CLOSE int fd = open_exactly(root, entry->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_io(err, -fd, "can't open %s%s", root->path, entry->path);
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s%s", root->path, entry->path);
    if (st.st_dev != seen->st_dev || st.st_ino != seen->st_ino)
        return 0;
    char sha256[DIGEST_HEX_SIZE];
    int rc = digest_fd(fd, entry->path, sha256, err);
    *same = !rc && !strcmp(sha256, entry->sha256);
    return rc;
}

/*
 * A file with several names of ours: removing one changes the ctime that the others have, too. What
 * else the change may have been, the manifest tells.
 */
static bool lost_a_name(const struct manifest_entry *entry, const struct facts_placed *placed,
                        const struct stat *st) {
    return placed->link_group && st->st_ino == placed->inode && S_ISREG(st->st_mode) &&
           (st->st_mode & 07777) == entry->mode && st->st_uid == entry->uid &&
           st->st_gid == entry->gid && st->st_mtim.tv_sec == entry->mtime.tv_sec &&
           st->st_mtim.tv_nsec == entry->mtime.tv_nsec;
}

static int decide_by_content(const struct root *root, const struct manifest_entry *entry, int fd,
                             const struct stat *st, bool *ours, struct error *err) {
    if (entry->type == MANIFEST_LINK) {
        *ours = has_target(fd, entry);
        return 0;
    }
    return has_content(root, entry, st, ours, err);
}

static int read_packages(const struct root *root, struct ownership_packages *packages,
                         struct error *err) {
    const struct manifest *manifest = packages->manifest;
    AUTO_STRLIST struct strlist paths = {0};
    struct error reason = {0};
    for (size_t i = 0; i < manifest->count; i++)
        if (manifest->entries[i].type != MANIFEST_DIR &&
            strlist_add(&paths, manifest->entries[i].path))
            return error_oom(err, "looking for packages");
    int rc = package_owner_find(root, &paths, &packages->paths, &reason);
    if (rc == -ENOTSUP) {
        log_detail("%s; contents alone decide", reason.text);
        return 0;
    }
    if (rc)
        *err = reason;
    strlist_sort(&packages->paths);
    return rc;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(a, *(char *const *)b);
}

static int is_packaged(const struct root *root, struct ownership_packages *packages,
                       const char *path, bool *packaged, struct error *err) {
    *packaged = false;
    if (!packages)
        return 0;
    if (!packages->asked)
        packages->rc = read_packages(root, packages, &packages->error);
    packages->asked = true;
    if (packages->rc && err)
        *err = packages->error;
    *packaged = !packages->rc && packages->paths.count &&
                bsearch(path, packages->paths.items, packages->paths.count,
                        sizeof *packages->paths.items, compare_paths);
    return packages->rc;
}

void ownership_packages_release(struct ownership_packages *packages) {
    strlist_release(&packages->paths);
}

/* Nothing is known of it but what is in the manifest. */
static int decide_unrecorded(const struct root *root, const struct ownership_context *context,
                             const struct manifest_entry *entry, int fd, const struct stat *st,
                             bool *ours, struct error *err) {
    bool packaged = false;
    int rc = decide_by_content(root, entry, fd, st, ours, err);
    if (!rc && *ours)
        rc = is_packaged(root, context->packages, entry->path, &packaged, err);
    *ours &= !packaged;
    return rc;
}

int ownership_check(const struct root *root, const struct ownership_context *context,
                    const struct manifest_entry *entry, const struct facts_placed *placed,
                    enum ownership *result, struct error *err) {
    AUTO_CLOSE int fd = open_exactly(root, entry->path, O_PATH);
    *result = OWNERSHIP_GONE;
    if (fd == -ENOENT || fd == -ENOTDIR)
        return 0;
    *result = OWNERSHIP_FOREIGN;
    if (fd == -ELOOP)
        return 0;
    if (fd < 0)
        return error_io(err, -fd, "can't look at %s%s", root->path, entry->path);
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s%s", root->path, entry->path);
    if (!has_type(&st, entry->type))
        return 0;
    bool ours = true;
    int rc = 0;
    bool recorded = entry->type != MANIFEST_DIR && !context->copied && placed && placed->inode;
    if (recorded)
        ours = st.st_ino == placed->inode && timestamp_ns(st.st_ctim) == placed->ctime_ns;
    else if (entry->type != MANIFEST_DIR)
        rc = decide_unrecorded(root, context, entry, fd, &st, &ours, err);
    if (!ours && recorded && lost_a_name(entry, placed, &st))
        rc = decide_by_content(root, entry, fd, &st, &ours, err);
    if (!rc && ours)
        *result = OWNERSHIP_OURS;
    return rc;
}

static bool is_as_recorded(const struct manifest_entry *entry, const struct facts_placed *placed,
                           const struct stat *st) {
    if (!has_type(st, entry->type))
        return false;
    return entry->type == MANIFEST_DIR || (placed && placed->inode && st->st_ino == placed->inode &&
                                           timestamp_ns(st->st_ctim) == placed->ctime_ns);
}

/* What one look from the entry's folder tells for certain. */
static bool look(struct ownership_scan *scan, const struct manifest_entry *entry,
                 const struct facts_placed *placed, enum ownership *result) {
    struct stat st;
    *result = OWNERSHIP_GONE;
    if (scan->gone && path_is_below(entry->path, scan->gone))
        return true;
    int rc = parent_folder_stat(&scan->folder, scan->root, entry->path, &st);
    if (rc == -ENOENT) {
        scan->gone = entry->path;
        return true;
    }
    *result = OWNERSHIP_OURS;
    return !rc && !scan->context->copied && is_as_recorded(entry, placed, &st);
}

int ownership_scan_next(struct ownership_scan *scan, const struct manifest_entry *entry,
                        const struct facts_placed *placed, enum ownership *result,
                        struct error *err) {
    if (look(scan, entry, placed, result))
        return 0;
    return ownership_check(scan->root, scan->context, entry, placed, result, err);
}

void ownership_scan_end(struct ownership_scan *scan) {
    parent_folder_release(&scan->folder);
}

static int check_entry(struct ownership_scan *scan, const struct manifest_entry *entry,
                       const struct facts_placed *placed, struct error *err) {
    const struct root *root = scan->root;
    enum ownership ownership;
    int rc = ownership_scan_next(scan, entry, placed, &ownership, err);
    if (!rc && ownership != OWNERSHIP_OURS)
        rc = error_set(err, ERROR_DAMAGED, EBADMSG,
                       "%s%s %s; run 'prebake-node teardown' and bake again", root->path,
                       entry->path,
                       ownership == OWNERSHIP_GONE ? "is gone" : "is not what the bake placed");
    return rc;
}

int ownership_check_all(const struct root *root, const struct ownership_context *context,
                        const struct manifest *manifest, const struct facts *facts,
                        struct error *err) {
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan = OWNERSHIP_SCAN_INIT(root, context);
    int rc = 0;
    for (size_t i = 0; !rc && i < manifest->count; i++)
        rc = check_entry(&scan, &manifest->entries[i],
                         i < facts->placed_count ? &facts->placed[i] : NULL, err);
    return rc;
}
