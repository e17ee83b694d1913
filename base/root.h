/*
 * Paths beneath a root directory.
 *
 * Every path the programs act on is given as an absolute path *inside* the root ("/lib/modules")
 * and resolved beneath the root's descriptor with openat2(2) RESOLVE_IN_ROOT: a link in the tree
 * can lead anywhere inside the root (usr-merge does) but never out of it. The last component is
 * never followed.
 */
#ifndef BASE_ROOT_H
#define BASE_ROOT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/strlist.h"

struct root {
    int fd;       /* O_PATH descriptor of the directory */
    char *path;   /* its canonical path on this machine, without a trailing slash ("" for "/") */
    bool is_host; /* it is this machine's own "/" */
};

#define ROOT_INIT                                                                                  \
    { .fd = -1 }

/*
 * Opens `path` as a root. ENOENT and ENOTDIR are ERROR_USAGE; a tree whose deployment prebake
 * does not change (OSTree) is ERROR_REFUSED. The caller releases with root_close().
 */
int root_open(struct root *root, const char *path, struct error *err) MUST_CHECK;
void root_close(struct root *root);
#define AUTO_ROOT AUTO(root_close)

/* `path` as it is seen on this machine, for messages and for tools that take a path; caller frees.
 */
char *root_host_path(const struct root *root, const char *path);

/*
 * Opens the directory that holds `path` and points `name` at the last component (inside `path`).
 * Refuses (ERROR_REFUSED) "..", an empty last component, and any directory on the way that is
 * not owned by root or is writable by others without the sticky bit. ENOENT when it is missing.
 */
int root_open_parent(const struct root *root, const char *path, int *fd, const char **name,
                     struct error *err) MUST_CHECK;

/* Opens the directory `path` for reading, links inside the root followed. −ENOENT, −ENOTDIR … as
 * open(2), with a sentence. */
int root_open_dir(const struct root *root, const char *path, int *fd, struct error *err) MUST_CHECK;

/* Opens an existing regular file for reading; the last component is not followed (−ELOOP). Anything
 * else there is ERROR_REFUSED. */
int root_open_file(const struct root *root, const char *path, int *fd,
                   struct error *err) MUST_CHECK;

/* The same, links inside the root followed. */
int root_open_file_following(const struct root *root, const char *path, int *fd,
                             struct error *err) MUST_CHECK;

/* lstat() beneath the root. Returns 0 or −errno; no sentence, ENOENT is often expected. */
int root_stat(const struct root *root, const char *path, struct stat *st) MUST_CHECK;
/* stat() beneath the root, links inside the root followed. */
int root_stat_following(const struct root *root, const char *path, struct stat *st) MUST_CHECK;

bool root_exists(const struct root *root, const char *path);

/* Whether `path` is a directory, or leads to one inside the root. */
bool root_is_directory(const struct root *root, const char *path);

/* The target of the link `path`; the caller frees. −EINVAL when it is not a link. */
int root_read_link(const struct root *root, const char *path, char **target) MUST_CHECK;

/*
 * Where the existing directory `path` really is inside the root ("/lib/x" → "/usr/lib/x"); the
 * caller frees.
 */
int root_canonical(const struct root *root, const char *path, char **canonical,
                   struct error *err) MUST_CHECK;

/*
 * As root_canonical() for a path whose last components may not exist yet: the existing part is
 * canonical, the rest as given, and `missing` (NULL to not ask) gets every directory and the last
 * component that would have to be created, outermost first. The caller frees `resolved`.
 */
int root_resolve(const struct root *root, const char *path, char **resolved,
                 struct strlist *missing, struct error *err) MUST_CHECK;

/*
 * As root_resolve(), and the last component is followed too, for as long as it is a link: what is
 * found may be missing, and is no link. −ELOOP: more than 40 links.
 */
int root_follow(const struct root *root, const char *path, char **resolved) MUST_CHECK;

/*
 * As root_resolve(), for a path at which something is going to be placed: ERROR_REFUSED as well
 * when a directory or link on the way is not root's alone, as root_open_parent(), or is a file.
 * What is canonical afterwards no longer tells how it was reached.
 */
int root_resolve_place(const struct root *root, const char *path, char **resolved,
                       struct strlist *missing, struct error *err) MUST_CHECK;

/*
 * Creates the directory `path` and its missing parents, root:root with exactly `mode` whatever
 * the umask. Every directory it created is added to `created` (NULL to not ask), outermost first,
 * as a path with its existing part canonical.
 */
int root_make_dirs(const struct root *root, const char *path, mode_t mode, struct strlist *created,
                   struct error *err) MUST_CHECK;

/* The names in the directory `path`, sorted, without "." and ".."; empty when it does not exist. */
int root_list(const struct root *root, const char *path, struct strlist *names,
              struct error *err) MUST_CHECK;

#endif
