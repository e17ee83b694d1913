#include "toolchain/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/root.h"
#include "base/strlist.h"
#include "toolchain/archive.h"
#include "toolchain/source_digest.h"

static bool has_conf(int directory) {
    struct stat st;
    return !fstatat(directory, "dkms.conf", &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode);
}

/* A folder of its own: a link to one would make the same source count twice. */
static bool is_source_folder(const struct root *root, const char *folder) {
    struct stat st;
    AUTO_CLOSE int fd = -1;
    return !root_stat(root, folder, &st) && S_ISDIR(st.st_mode) &&
           !root_open_dir(root, folder, &fd, NULL) && has_conf(fd);
}

/* Adds "<parent>/<folder>" for every folder in `parent` that holds dkms.conf. */
static int find_in_folders(const struct root *root, const char *parent, struct strlist *found,
                           struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, *parent ? parent : "/", &names, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE char *folder = NULL;
        if (asprintf(&folder, "%s/%s", parent, names.items[i]) < 0)
            return error_oom(err, "looking for dkms.conf");
        if (is_source_folder(root, folder) && strlist_add(found, folder))
            return error_oom(err, "looking for dkms.conf");
    }
    return 0;
}

/* The top wins: what lies below it belongs to that source. */
static int find_candidates(const struct root *root, struct strlist *found, struct error *err) {
    if (has_conf(root->fd))
        return strlist_add(found, "") ? error_oom(err, "looking for dkms.conf") : 0;
    int rc = find_in_folders(root, "", found, err);
    return rc ? rc : find_in_folders(root, "/usr/src", found, err);
}

/* The one folder that holds dkms.conf, as a path on this machine. */
static int find_tree(const char *directory, const char *origin, char **path, struct error *err) {
    AUTO_ROOT struct root root = ROOT_INIT;
    AUTO_STRLIST struct strlist found = {0};
    int rc = root_open(&root, directory, err);
    if (!rc)
        rc = find_candidates(&root, &found, err);
    if (rc)
        return rc;
    if (found.count == 0)
        return error_set(err, ERROR_DAMAGED, ENOENT,
                         "no dkms.conf in %s: name a DKMS source, as a directory, a .deb or a "
                         "tarball",
                         origin);
    AUTO_FREE char *list = strlist_join(&found, ", ");
    if (!list)
        return error_oom(err, "looking for dkms.conf");
    if (found.count > 1)
        return error_set(err, ERROR_DAMAGED, EEXIST,
                         "%s holds several DKMS sources (%s): unpack it and name one", origin,
                         list);
    if (asprintf(path, "%s%s", root.path, found.items[0]) >= 0)
        return 0;
    *path = NULL;
    return error_oom(err, "looking for dkms.conf");
}

static int open_directory(struct source *source, struct error *err) {
    AUTO_CLOSE int fd = open(source->origin, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s", source->origin);
    if (!has_conf(fd))
        return error_set(err, ERROR_DAMAGED, ENOENT,
                         "no dkms.conf in %s: name the directory that holds it", source->origin);
    source->path = realpath(source->origin, NULL);
    return source->path ? 0 : error_io(err, errno, "can't resolve %s", source->origin);
}

static int open_archive(struct source *source, int fd, struct error *err) {
    int rc = temporary_make(NULL, &source->temporary, err);
    if (rc)
        return rc;
    AUTO_CLOSE int into = open(source->temporary.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (into < 0)
        return error_io(err, errno, "can't open %s", source->temporary.path);
    rc = archive_unpack(fd, source->origin, into, err);
    return rc ? rc : find_tree(source->temporary.path, source->origin, &source->path, err);
}

/* O_NONBLOCK: opening a fifo must not hang. */
static int open_spec(struct source *source, struct error *err) {
    struct stat st;
    AUTO_CLOSE int fd = open(source->origin, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(err, ERROR_USAGE, errno,
                         "the source %s does not exist: name a DKMS source tree, a .deb or a "
                         "tarball",
                         source->origin);
    if (fd < 0 || fstat(fd, &st))
        return error_io(err, errno, "can't open the source %s", source->origin);
    if (S_ISDIR(st.st_mode))
        return open_directory(source, err);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_USAGE, EINVAL,
                         "the source %s is neither a directory nor a regular file", source->origin);
    return open_archive(source, fd, err);
}

static int take_digest(struct source *source, struct error *err) {
    AUTO_CLOSE int fd = open(source->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s", source->path);
    return source_digest(fd, source->path, source->digest, err);
}

int source_open(const char *spec, struct source *source, struct error *err) {
    *source = (struct source){.origin = strdup(spec)};
    if (!source->origin)
        return error_oom(err, "opening a source");
    int rc = open_spec(source, err);
    if (!rc)
        rc = take_digest(source, err);
    if (rc)
        source_close(source);
    return rc;
}

void source_close(struct source *source) {
    temporary_remove(&source->temporary);
    free(source->path);
    free(source->origin);
    *source = (struct source){0};
}
