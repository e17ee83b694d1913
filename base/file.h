/*
 * Whole files: bounded reads, and publishing. To publish is: write a temporary in the same folder,
 * rename it over the name. A crash leaves either the old file or the new one; durability is the
 * caller's one file_sync_fs() before it changes the state word (one syncfs is cheaper than an fsync
 * a file, measured 8–11 ms against 22–26 ms for 33 files).
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/parent_folder.h"
#include "base/root.h"

/*
 * Appends all of `fd`, read from its start, to `out`. More than `max` bytes is −EFBIG
 * (ERROR_REFUSED). `name` is for the sentence.
 */
int file_read_fd(int fd, const char *name, size_t max, struct buffer *out,
                 struct error *err) MUST_CHECK;

/* Reads a file of this machine by path. */
int file_read_path(const char *path, size_t max, struct buffer *out, struct error *err) MUST_CHECK;

/* Reads a regular file beneath the root (the last component is not followed). */
int file_read(const struct root *root, const char *path, size_t max, struct buffer *out,
              struct error *err) MUST_CHECK;

/* The same, links inside the root followed. */
int file_read_following(const struct root *root, const char *path, size_t max, struct buffer *out,
                        struct error *err) MUST_CHECK;

/* Reads `size` bytes from `offset` on. How many, fewer only where the file ends, or −errno. */
ssize_t file_read_at(int fd, void *data, size_t size, off_t offset) MUST_CHECK;

struct file_meta {
    mode_t mode; /* permission bits, set exactly, whatever the umask */
    uid_t uid;
    gid_t gid;
    struct timespec mtime; /* tv_nsec UTIME_OMIT leaves the time of writing */
    bool durable;          /* the content is on disk before the name is there */
};

#define FILE_META_DEFAULT                                                                          \
    {                                                                                              \
        .mode = 0644, .mtime = {.tv_nsec = UTIME_OMIT }                                            \
    }

/* For records that must be whole or not there after a power loss: a file system may write a new
 * name before the content of the file. */
#define FILE_META_DURABLE                                                                          \
    { .mode = 0644, .mtime = {.tv_nsec = UTIME_OMIT}, .durable = true }

/*
 * Publishes `data` as `path` beneath the root; the parent directory exists. What was there is
 * replaced. The temporary is removed on failure. ".<name>.prebake-XXXXXXXX" is its name.
 */
int file_publish(const struct root *root, const char *path, const void *data, size_t size,
                 const struct file_meta *meta, struct error *err) MUST_CHECK;

/* As file_publish(), and −EEXIST (ERROR_REFUSED) when something is already there. */
int file_publish_new(const struct root *root, const char *path, const void *data, size_t size,
                     const struct file_meta *meta, struct error *err) MUST_CHECK;

/*
 * Removes from the directory `folder` what publications of `name` (NULL: of any name) left there
 * when they were killed. The caller knows that nobody publishes there now.
 */
int file_remove_temporaries(const struct root *root, const char *folder, const char *name,
                            struct error *err) MUST_CHECK;

/* Publishes a symbolic link the same way. */
int file_publish_link(const struct root *root, const char *path, const char *target,
                      struct error *err) MUST_CHECK;

/* Removes the file or link `path`; a missing one is no error. */
int file_remove(const struct root *root, const char *path, struct error *err) MUST_CHECK;

/* The same for one path after the other: `folder` is where the last one was. */
int file_remove_next(const struct root *root, struct parent_folder *folder, const char *path,
                     struct error *err) MUST_CHECK;

/* Removes the directory `path` when it is empty; −ENOTEMPTY and −ENOENT come back without a
 * sentence, `err` untouched. */
int file_remove_dir(const struct root *root, const char *path, struct error *err) MUST_CHECK;

/* The same for one path after the other, those inside another before it. */
int file_remove_dir_next(const struct root *root, struct parent_folder *folder, const char *path,
                         struct error *err) MUST_CHECK;

/* Removes the directory `path` and all below it; a missing one is no error. As tree_remove(). */
int file_remove_tree(const struct root *root, const char *path, struct error *err) MUST_CHECK;

/* Copies all of `in` to `out` (both at their current offset), sharing blocks where the file system
 * can. Nothing of it is held in memory. */
int file_copy_fd(int in, int out, const char *name, struct error *err) MUST_CHECK;

/* Writes all bytes or fails. Returns 0 or −errno. */
int file_write_all(int fd, const void *data, size_t size) MUST_CHECK;

/* syncfs() of the file system that holds `path` beneath the root. */
int file_sync_fs(const struct root *root, const char *path, struct error *err) MUST_CHECK;

#endif
