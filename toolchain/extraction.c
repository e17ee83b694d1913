#include "toolchain/extraction.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "toolchain/containment.h"

#define CHUNK_SIZE (64 << 10)

static int refuse(const struct extraction *extraction, const char *entry, const char *why,
                  struct error *err) {
    return error_set(err, ERROR_REFUSED, EPERM, "%s: refused to unpack '%s': %s", extraction->name,
                     entry, why);
}

static int failed(const struct extraction *extraction, const char *path, int errnum,
                  struct error *err) {
    return error_io(err, errnum, "can't unpack %s: %s", extraction->name, path);
}

/* Opens the folder of the normalised `path`; `name` is its last component. */
static int open_folder(const struct extraction *extraction, const char *path, bool create,
                       int *folder, const char **name, struct error *err) {
    int rc = containment_open_folder(extraction->into, path, create, folder, name);
    if (rc == -ENOTDIR)
        return refuse(extraction, path, "its way leads through something that is no directory",
                      err);
    return rc ? failed(extraction, path, -rc, err) : 0;
}

static int create_failed(const struct extraction *extraction, const char *path, struct error *err) {
    if (errno == EEXIST)
        return refuse(extraction, path, "the archive has this path twice", err);
    return failed(extraction, path, errno, err);
}

static void entry_times(struct archive_entry *entry, struct timespec times[2]) {
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = (struct timespec){.tv_nsec = UTIME_OMIT};
    if (archive_entry_mtime_is_set(entry))
        times[1] = (struct timespec){.tv_sec = archive_entry_mtime(entry),
                                     .tv_nsec = archive_entry_mtime_nsec(entry)};
}

/* Claims `size` bytes of what is left. */
static int claim_bytes(struct extraction *extraction, const char *path, int64_t size,
                       struct error *err) {
    if (size < 0 || (uint64_t)size > extraction->left.bytes)
        return refuse(extraction, path, "with it the archive holds more than prebake accepts", err);
    extraction->left.bytes -= (uint64_t)size;
    return 0;
}

/* Holes come as zeros. Whatever libarchive makes of an odd entry, a file has the size it claimed.
 */
static int write_content(struct extraction *extraction, struct archive_stream *stream,
                         const char *path, int fd, int64_t size, struct error *err) {
    uint8_t chunk[CHUNK_SIZE];
    uint64_t left = (uint64_t)size;
    for (;;) {
        size_t got = 0;
        int rc = archive_stream_read(stream, chunk, sizeof chunk, &got, err);
        if (rc)
            return rc;
        if (got > left || (got == 0 && left > 0))
            return error_set(err, ERROR_DAMAGED, EBADMSG,
                             "%s is damaged: '%s' is not as long as it says", extraction->name,
                             path);
        if (got == 0)
            return 0;
        left -= got;
        rc = file_write_all(fd, chunk, got);
        if (rc)
            return failed(extraction, path, -rc, err);
    }
}

static int add_file(struct extraction *extraction, struct archive_stream *stream,
                    struct archive_entry *entry, const char *path, struct error *err) {
    AUTO_CLOSE int folder = -1;
    const char *name;
    int64_t size = archive_entry_size(entry);
    int rc = claim_bytes(extraction, path, size, err);
    if (!rc)
        rc = open_folder(extraction, path, true, &folder, &name, err);
    if (rc)
        return rc;
    AUTO_CLOSE int fd =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return create_failed(extraction, path, err);
    rc = write_content(extraction, stream, path, fd, size, err);
    if (rc)
        return rc;
    struct timespec times[2];
    entry_times(entry, times);
    if (fchmod(fd, archive_entry_perm(entry) & ARCHIVE_MODE_KEPT) || futimens(fd, times))
        return failed(extraction, path, errno, err);
    return 0;
}

static int remember_directory(struct extraction *extraction, struct archive_entry *entry,
                              const char *path, struct error *err) {
    if (extraction->directory_count == extraction->directory_capacity) {
        size_t capacity = extraction->directory_capacity ? extraction->directory_capacity * 2 : 64;
        struct extracted_directory *grown =
            reallocarray(extraction->directories, capacity, sizeof *grown);
        if (!grown)
            return error_oom(err, "unpacking an archive");
        extraction->directories = grown;
        extraction->directory_capacity = capacity;
    }
    struct timespec times[2];
    entry_times(entry, times);
    struct extracted_directory directory = {.path = strdup(path),
                                            .mode = archive_entry_perm(entry) & ARCHIVE_MODE_KEPT,
                                            .mtime = times[1]};
    if (!directory.path)
        return error_oom(err, "unpacking an archive");
    extraction->directories[extraction->directory_count++] = directory;
    return 0;
}

/* A directory may come twice, or after what it holds: tar writes such archives. */
static int add_directory(struct extraction *extraction, struct archive_entry *entry,
                         const char *path, struct error *err) {
    AUTO_CLOSE int folder = -1;
    const char *name;
    struct stat st;
    int rc = open_folder(extraction, path, true, &folder, &name, err);
    if (rc)
        return rc;
    if (mkdirat(folder, name, 0700)) {
        if (errno != EEXIST || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
            return failed(extraction, path, errno, err);
        if (!S_ISDIR(st.st_mode))
            return refuse(extraction, path, "the archive has this path twice", err);
    }
    return remember_directory(extraction, entry, path, err);
}

static int add_symbolic_link(struct extraction *extraction, struct archive_entry *entry,
                             const char *path, const char *target, struct error *err) {
    AUTO_CLOSE int folder = -1;
    const char *name;
    if (!*target)
        return refuse(extraction, path, "it is a link without a target", err);
    int rc = open_folder(extraction, path, true, &folder, &name, err);
    if (rc)
        return rc;
    if (symlinkat(target, folder, name))
        return create_failed(extraction, path, err);
    struct timespec times[2];
    entry_times(entry, times);
    if (utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW))
        return failed(extraction, path, errno, err);
    if (containment_link_leads_out(extraction->into, path, target))
        return refuse(extraction, path, "it is a link that leads out of the archive's own tree",
                      err);
    return strlist_add(&extraction->links, path) ? error_oom(err, "unpacking an archive") : 0;
}

/* Opens the folder of a hard link's target: a file that an earlier entry brought. */
static int open_existing(const struct extraction *extraction, const char *path, const char *target,
                         int *folder, const char **name, struct error *err) {
    struct stat st;
    int rc = open_folder(extraction, target, false, folder, name, err);
    if (rc && rc != -ENOENT)
        return rc;
    if (rc || fstatat(*folder, *name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
        return refuse(extraction, path, "it is a hard link to something that is no earlier file",
                      err);
    return 0;
}

static int add_hard_link(const struct extraction *extraction, const char *path, const char *raw,
                         struct error *err) {
    AUTO_FREE char *target = NULL;
    AUTO_CLOSE int from = -1, to = -1;
    const char *from_name, *to_name;
    int rc = containment_normalise(raw, &target);
    if (rc == -ENOMEM)
        return error_oom(err, "unpacking an archive");
    if (rc)
        return refuse(extraction, path, "it is a hard link to something outside", err);
    rc = open_existing(extraction, path, target, &from, &from_name, err);
    if (!rc)
        rc = open_folder(extraction, path, true, &to, &to_name, err);
    if (rc)
        return rc;
    return linkat(from, from_name, to, to_name, 0) ? create_failed(extraction, path, err) : 0;
}

/* A name in the locale's charset, else as it is in the archive; NULL when it has none. */
static const char *first_text(const char *local, const char *utf8) {
    return local ? local : utf8;
}

static int claim_entry(struct extraction *extraction, const char *path, const char *target,
                       struct error *err) {
    size_t names = strlen(path) + (target ? strlen(target) : 0);
    if (extraction->left.entries == 0 || names > extraction->left.name_bytes)
        return refuse(extraction, path, "the archive has too many entries", err);
    extraction->left.entries--;
    extraction->left.name_bytes -= names;
    return 0;
}

static int add_by_type(struct extraction *extraction, struct archive_stream *stream,
                       struct archive_entry *entry, const char *path, struct error *err) {
    const char *hard =
        first_text(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));
    const char *symbolic =
        first_text(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry));
    int rc = claim_entry(extraction, path, hard ? hard : symbolic, err);
    if (rc)
        return rc;
    if (hard)
        return add_hard_link(extraction, path, hard, err);
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return add_file(extraction, stream, entry, path, err);
    case AE_IFDIR:
        return add_directory(extraction, entry, path, err);
    case AE_IFLNK:
        return add_symbolic_link(extraction, entry, path, symbolic ? symbolic : "", err);
    default:
        return refuse(extraction, path, "it is neither a file, a directory nor a link", err);
    }
}

int extraction_add(struct extraction *extraction, struct archive_stream *stream,
                   struct archive_entry *entry, struct error *err) {
    const char *raw = first_text(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
    if (!raw)
        return refuse(extraction, "", "an entry has no name", err);
    AUTO_FREE char *path = NULL;
    int rc = containment_normalise(raw, &path);
    if (rc == -ENOMEM)
        return error_oom(err, "unpacking an archive");
    if (rc == -ENAMETOOLONG)
        return refuse(extraction, raw, "its path is too long or too deep", err);
    if (rc)
        return refuse(extraction, raw, "its path leads out of the archive's own tree", err);
    if (*path)
        return add_by_type(extraction, stream, entry, path, err);
    /* "./" stands for the directory that is unpacked into: it is the caller's. */
    return archive_entry_filetype(entry) == AE_IFDIR
               ? 0
               : refuse(extraction, raw, "its path is empty", err);
}

static int finish_directory(const struct extraction *extraction,
                            const struct extracted_directory *directory, struct error *err) {
    AUTO_CLOSE int folder = -1;
    const char *name;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, directory->mtime};
    int rc = open_folder(extraction, directory->path, false, &folder, &name, err);
    if (rc)
        return rc;
    if (fchmodat(folder, name, directory->mode, 0) ||
        utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW))
        return failed(extraction, directory->path, errno, err);
    return 0;
}

/* A link that led nowhere when it was made may lead out since a later entry came. */
static int check_link(const struct extraction *extraction, const char *path, struct error *err) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(extraction->into, path, target, sizeof target - 1);
    if (size < 0)
        return failed(extraction, path, errno, err);
    target[size] = '\0';
    if (containment_link_leads_out(extraction->into, path, target))
        return refuse(extraction, path, "it is a link that leads out of the archive's own tree",
                      err);
    return 0;
}

int extraction_finish(struct extraction *extraction, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < extraction->links.count; i++)
        rc = check_link(extraction, extraction->links.items[i], err);
    for (size_t i = 0; !rc && i < extraction->directory_count; i++)
        rc = finish_directory(extraction, &extraction->directories[i], err);
    return rc;
}

void extraction_release(struct extraction *extraction) {
    for (size_t i = 0; i < extraction->directory_count; i++)
        free(extraction->directories[i].path);
    free(extraction->directories);
    strlist_release(&extraction->links);
    *extraction = (struct extraction){.into = -1};
}
