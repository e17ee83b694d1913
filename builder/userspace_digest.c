#include "builder/userspace_digest.h"

#include <string.h>

#include "base/buffer.h"
#include "kmod/lifecycle/xattrs.h"

static int add_content(const struct userspace *userspace, const struct userspace_entry *entry,
                       struct buffer *line, struct error *err) {
    AUTO_CLOSE int fd = -1;
    char hex[DIGEST_HEX_SIZE];
    int rc = root_open_file(&userspace->tree, entry->path, &fd, err);
    if (!rc)
        rc = digest_fd(fd, entry->path, hex, err);
    if (!rc && buffer_append_string(line, hex))
        rc = error_oom(err, "reading a userspace");
    return rc;
}

static int add_attributes(const struct userspace *userspace, const struct userspace_entry *entry,
                          struct buffer *line, struct error *err) {
    AUTO_XATTRS struct xattrs list = {0};
    int rc = xattrs_read(&userspace->tree, entry->path, &list, err);
    for (size_t i = 0; !rc && i < list.count; i++)
        if (buffer_printf(line, " %s %zu ", list.items[i].name, list.items[i].size) ||
            buffer_append(line, list.items[i].value, list.items[i].size))
            rc = error_oom(err, "reading a userspace");
    return rc;
}

/* A directory's time says when something was put into it, and a bake does not keep it. */
static int add_meta(const struct userspace_entry *entry, struct buffer *line) {
    const struct stat *st = &entry->st;
    bool timed = !S_ISDIR(st->st_mode);
    return buffer_printf(line, "%zu:%s %o %u %u %lld.%09ld %zu ", strlen(entry->path), entry->path,
                         st->st_mode, st->st_uid, st->st_gid,
                         timed ? (long long)st->st_mtim.tv_sec : 0, timed ? st->st_mtim.tv_nsec : 0,
                         entry->twin);
}

static int add_entry(const struct userspace *userspace, size_t number, struct digest *digest,
                     struct error *err) {
    const struct userspace_entry *entry = &userspace->entries[number];
    AUTO_BUFFER struct buffer line = {0};
    int rc = add_meta(entry, &line);
    if (!rc && entry->target)
        rc = buffer_append_string(&line, entry->target);
    if (rc)
        return error_oom(err, "reading a userspace");
    if (S_ISREG(entry->st.st_mode) && entry->twin == number)
        rc = add_content(userspace, entry, &line, err);
    if (!rc)
        rc = add_attributes(userspace, entry, &line, err);
    if (!rc && (buffer_append_string(&line, "\n") || digest_update(digest, line.data, line.size)))
        rc = error_oom(err, "reading a userspace");
    return rc;
}

int userspace_digest(const struct userspace *userspace, char hex[static DIGEST_HEX_SIZE],
                     struct error *err) {
    AUTO_DIGEST struct digest *digest = NULL;
    int rc = digest_begin(&digest) ? error_oom(err, "reading a userspace") : 0;
    for (size_t i = 0; !rc && i < userspace->count; i++)
        rc = add_entry(userspace, i, digest, err);
    if (!rc && digest_end(STEAL(digest), hex))
        rc = error_oom(err, "reading a userspace");
    return rc;
}
