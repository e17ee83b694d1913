#include "toolchain/source_digest.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/tree.h"
#include "toolchain/archive.h"
#include "toolchain/containment.h"

struct walk {
    int top;
    dev_t device;
    const char *name;
    struct digest *digest;
};

static int refuse(const struct walk *walk, const char *path, const char *why, struct error *err) {
    return error_set(err, ERROR_REFUSED, EPERM, "%s/%s %s: refused as part of a source", walk->name,
                     path, why);
}

/* One record; both strings with their NUL, so that no two trees run together to the same bytes. */
static int record(const struct walk *walk, const char *type_and_mode, const char *path,
                  const char *content, struct error *err) {
    if (digest_update(walk->digest, type_and_mode, strlen(type_and_mode)) ||
        digest_update(walk->digest, path, strlen(path) + 1) ||
        digest_update(walk->digest, content, strlen(content) + 1))
        return error_oom(err, "digesting a source");
    return 0;
}

static int visit_file(const struct walk *walk, const struct tree_entry *entry, struct error *err) {
    char type[8], content[DIGEST_HEX_SIZE];
    AUTO_CLOSE int fd = openat(entry->parent, entry->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s/%s", walk->name, entry->path);
    int rc = digest_fd(fd, entry->path, content, err);
    if (rc)
        return rc;
    snprintf(type, sizeof type, "f%04o", entry->st->st_mode & ARCHIVE_MODE_KEPT);
    return record(walk, type, entry->path, content, err);
}

static int visit_link(const struct walk *walk, const struct tree_entry *entry, struct error *err) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(entry->parent, entry->name, target, sizeof target - 1);
    if (size < 0)
        return error_io(err, errno, "can't read the link %s/%s", walk->name, entry->path);
    target[size] = '\0';
    if (containment_link_leads_out(walk->top, entry->path, target))
        return refuse(walk, entry->path, "is a link that leads out of the tree", err);
    return record(walk, "l", entry->path, target, err);
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    const struct walk *walk = context;
    char type[8];
    switch (entry->st->st_mode & S_IFMT) {
    case S_IFREG:
        return visit_file(walk, entry, err);
    case S_IFLNK:
        return visit_link(walk, entry, err);
    case S_IFDIR:
        if (entry->st->st_dev != walk->device)
            return refuse(walk, entry->path, "is a mounted file system", err);
        snprintf(type, sizeof type, "d%04o", entry->st->st_mode & ARCHIVE_MODE_KEPT);
        return record(walk, type, entry->path, "", err);
    default:
        return refuse(walk, entry->path, "is neither a file, a directory nor a link", err);
    }
}

int source_digest(int fd, const char *name, char hex[static DIGEST_HEX_SIZE], struct error *err) {
    AUTO_DIGEST struct digest *digest = NULL;
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s", name);
    if (digest_begin(&digest))
        return error_oom(err, "digesting a source");
    struct walk walk = {.top = fd, .device = st.st_dev, .name = name, .digest = digest};
    int rc = tree_walk(fd, name, visit, &walk, err);
    if (rc)
        return rc;
    return digest_end(STEAL(digest), hex) ? error_oom(err, "digesting a source") : 0;
}
