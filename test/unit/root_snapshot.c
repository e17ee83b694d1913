#include "test/unit/root_snapshot.h"

#include <fcntl.h>
#include <limits.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/tree.h"

/* A file's digest, a link's target, "" of anything else. */
static int describe_content(const struct tree_entry *entry, char content[static PATH_MAX],
                            struct error *err) {
    content[0] = '\0';
    if (S_ISLNK(entry->st->st_mode)) {
        ssize_t size = readlinkat(entry->parent, entry->name, content, PATH_MAX - 1);
        content[size > 0 ? size : 0] = '\0';
    }
    if (!S_ISREG(entry->st->st_mode))
        return 0;
    AUTO_CLOSE int fd = openat(entry->parent, entry->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return digest_fd(fd, entry->path, content, err);
}

static int describe(void *context, const struct tree_entry *entry, struct error *err) {
    const struct stat *st = entry->st;
    char content[PATH_MAX];
    int rc = describe_content(entry, content, err);
    if (rc)
        return rc;
    bool is_dir = S_ISDIR(st->st_mode);
    return buffer_printf(context, "%s %o %u:%u %lu %lu %ld.%09ld %s\n", entry->path, st->st_mode,
                         st->st_uid, st->st_gid, is_dir ? 0 : st->st_nlink, st->st_ino,
                         is_dir ? 0 : st->st_mtim.tv_sec, is_dir ? 0 : st->st_mtim.tv_nsec,
                         content);
}

char *root_snapshot(const struct root *root) {
    AUTO_BUFFER struct buffer text = {0};
    struct error err = {0};
    AUTO_CLOSE int fd = -1;
    if (buffer_append_string(&text, "") || root_open_dir(root, "/", &fd, &err) ||
        tree_walk(fd, "the root", describe, &text, &err)) {
        fprintf(stderr, "the test can't look at its root: %s\n", err.text);
        exit(99);
    }
    return (char *)STEAL(text.data);
}
