#include "test/unit/dkms_fixture.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "test/unit/scratch_root.h"

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "the test can't prepare a DKMS tree: %s\n", what);
    exit(99);
}

static void write_at(const struct root *root, const char *content, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static void write_at(const struct root *root, const char *content, const char *fmt, ...) {
    AUTO_FREE char *path = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&path, fmt, args) < 0)
        give_up("no memory");
    va_end(args);
    scratch_root_write(root, path, content);
}

static void link_at(const struct root *root, const char *path, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static void link_at(const struct root *root, const char *path, const char *fmt, ...) {
    AUTO_FREE char *target = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&target, fmt, args) < 0)
        give_up("no memory");
    va_end(args);
    scratch_root_link(root, path, target);
}

void dkms_fixture_add(const struct root *root, const char *version) {
    char path[256];
    snprintf(path, sizeof path, FIXTURE_TREE "/%s/source", version);
    write_at(root, "PACKAGE_NAME=mod\n", "/usr/src/" FIXTURE_NAME "-%s/dkms.conf", version);
    link_at(root, path, "/usr/src/" FIXTURE_NAME "-%s", version);
}

void dkms_fixture_build(const struct root *root, const char *version, const char *kernel,
                        const char *file, const char *content) {
    write_at(root, content, FIXTURE_TREE "/%s/%s/" FIXTURE_MACHINE "/module/%s", version, kernel,
             file);
    write_at(root, "log", FIXTURE_TREE "/%s/%s/" FIXTURE_MACHINE "/log/make.log", version, kernel);
}

void dkms_fixture_place(const struct root *root, const char *kernel, const char *path,
                        const char *content) {
    write_at(root, content, "/lib/modules/%s/%s", kernel, path);
}

void dkms_fixture_activate(const struct root *root, const char *version, const char *kernel) {
    char path[256];
    snprintf(path, sizeof path, FIXTURE_TREE "/kernel-%s-" FIXTURE_MACHINE, kernel);
    link_at(root, path, "%s/%s/" FIXTURE_MACHINE, version, kernel);
}

void dkms_fixture_store(const struct root *root, const char *kernel, const char *path,
                        const char *content) {
    write_at(root, content, FIXTURE_TREE "/original_module/%s/" FIXTURE_MACHINE "/%s", kernel,
             path);
}

static int add_line(void *context, const struct tree_entry *entry, struct error *err) {
    struct buffer *lines = context;
    AUTO_BUFFER struct buffer content = {0};
    char target[4096] = "";
    if (S_ISLNK(entry->st->st_mode) &&
        readlinkat(entry->parent, entry->name, target, sizeof target - 1) < 0)
        give_up(entry->path);
    if (S_ISREG(entry->st->st_mode)) {
        AUTO_CLOSE int fd = openat(entry->parent, entry->name, 0);
        if (fd < 0 || file_read_fd(fd, entry->path, 1 << 20, &content, err))
            give_up(entry->path);
    }
    return buffer_printf(lines, "/%s %o %s%s\n", entry->path, entry->st->st_mode, target,
                         buffer_string(&content));
}

char *dkms_fixture_snapshot(const struct root *root) {
    struct buffer lines = {0};
    struct error err = {0};
    AUTO_CLOSE int fd = -1;
    if (root_open_dir(root, "/", &fd, &err) || tree_walk(fd, "/", add_line, &lines, &err))
        give_up(err.text);
    return (char *)lines.data;
}

bool dkms_fixture_holds(const struct root *root, const char *path, const char *expected) {
    AUTO_BUFFER struct buffer content = {0};
    struct error err = {0};
    int rc = file_read(root, path, 1 << 20, &content, &err);
    bool as_expected = expected ? !rc && !strcmp(buffer_string(&content), expected)
                                : rc && !root_exists(root, path);
    if (!as_expected)
        fprintf(stderr, "%s holds \"%s\" %s\n", path, buffer_string(&content), err.text);
    return as_expected;
}

const struct dkms_build *dkms_fixture_read(const struct root *root, const char *kernel,
                                           struct dkms_builds *builds) {
    struct error err = {0};
    if (dkms_builds_read(root, FIXTURE_NAME, "1.0", builds, &err))
        give_up(err.text);
    for (size_t i = 0; i < builds->count; i++)
        if (!strcmp(builds->items[i].kernel, kernel))
            return &builds->items[i];
    give_up("no build");
}
