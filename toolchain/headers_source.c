#include "toolchain/headers_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/temporary.h"
#include "base/tree.h"
#include "toolchain/archive.h"

#define RELEASE_HEADER "/include/generated/utsrelease.h"

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), size = strlen(end);
    return length >= size && strcmp(text + length - size, end) == 0;
}

static bool is_read(const char *path) {
    static const char *const files[] = {"/.config",
                                        "/Module.symvers",
                                        "/include/config/auto.conf",
                                        "/include/generated/autoconf.h",
                                        "/include/generated/randomize_layout_hash.h",
                                        "/include/generated/randstruct_hash.h",
                                        RELEASE_HEADER};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (ends_with(path, files[i]))
            return true;
    return false;
}

/* The package `path` goes into the folder `name` of `directory`: two of them may meet in a path. */
static int unpack(const char *path, int directory, const char *name, struct error *err) {
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_USAGE, errno, "can't open the headers %s: %s", path,
                         strerror(errno));
    if (!archive_is_deb(fd))
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--headers takes a directory or .deb packages, and %s is neither", path);
    AUTO_CLOSE int into = mkdirat(directory, name, 0700)
                              ? -1
                              : openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (into < 0)
        return error_io(err, errno, "can't unpack %s", path);
    return archive_unpack_some(fd, path, is_read, into, err);
}

static int unpack_all(const char *spec, int directory, struct error *err) {
    AUTO_FREE char *copy = strdup(spec);
    unsigned number = 0;
    if (!copy)
        return error_oom(err, "reading kernel headers");
    for (char *rest = copy, *path; (path = strsep(&rest, ","));) {
        char name[16];
        snprintf(name, sizeof name, "%u", number++);
        int rc = unpack(path, directory, name, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Collects the folders that have a release's header. */
static int find_build_dir(void *context, const struct tree_entry *entry, struct error *err) {
    struct strlist *found = context;
    if (!S_ISREG(entry->st->st_mode) || !ends_with(entry->path, RELEASE_HEADER))
        return 0;
    int length = (int)(strlen(entry->path) - strlen(RELEASE_HEADER));
    return strlist_addf(found, "/%.*s", length, entry->path)
               ? error_oom(err, "reading kernel headers")
               : 0;
}

/* As "linux-headers-6.1.0-47-amd64" ends. */
static const char *choose(const struct strlist *found, const char *release) {
    for (size_t i = 0; release && i < found->count; i++)
        if (ends_with(found->items[i], release))
            return found->items[i];
    return found->count == 1 ? found->items[0] : NULL;
}

/* Instead of the path in a folder that is gone, the one in the package. */
static int name_origin(const char *spec, struct kernel_headers *headers, struct error *err) {
    const char *inside = strchr(headers->build_dir + 1, '/');
    char *name = NULL;
    if (asprintf(&name, "%s:%s", spec, inside ? inside : "/") < 0) {
        kernel_headers_release(headers);
        return error_oom(err, "reading kernel headers");
    }
    free(headers->shown_dir);
    headers->shown_dir = name;
    return 0;
}

static int read_unpacked(const char *spec, const char *path, const char *release,
                         struct kernel_headers *headers, struct error *err) {
    AUTO_ROOT struct root root = ROOT_INIT;
    AUTO_STRLIST struct strlist found = {0};
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? error_io(err, errno, "can't open %s", path)
                    : tree_walk(fd, path, find_build_dir, &found, err);
    if (!rc)
        rc = root_open(&root, path, err);
    if (rc)
        return rc;
    if (found.count == 0)
        return error_set(err, ERROR_NO_HEADERS, ENOENT,
                         "%s holds no kernel's headers: name the package linux-headers-RELEASE",
                         spec);
    const char *build_dir = choose(&found, release);
    if (!build_dir)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "%s holds the headers of several kernels: name one of them with --kernel",
                         spec);
    rc = kernel_headers_read_at(&root, build_dir, release, headers, err);
    return rc ? rc : name_origin(spec, headers, err);
}

static int read_packages(const char *spec, const char *release, struct kernel_headers *headers,
                         struct error *err) {
    AUTO_TEMPORARY struct temporary temporary = {0};
    int rc = temporary_make(NULL, &temporary, err);
    if (rc)
        return rc;
    AUTO_CLOSE int fd = open(temporary.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s", temporary.path);
    rc = unpack_all(spec, fd, err);
    return rc ? rc : read_unpacked(spec, temporary.path, release, headers, err);
}

static int read_directory(const char *path, const char *release, struct kernel_headers *headers,
                          struct error *err) {
    AUTO_ROOT struct root host = ROOT_INIT;
    AUTO_FREE char *canonical = realpath(path, NULL);
    AUTO_FREE char *header = NULL;
    if (!canonical)
        return error_io(err, errno, "can't find %s", path);
    if (asprintf(&header, "%s" RELEASE_HEADER, canonical) < 0) {
        header = NULL;
        return error_oom(err, "reading kernel headers");
    }
    if (access(header, F_OK))
        return error_set(err, ERROR_NO_HEADERS, ENOENT,
                         "%s is no kernel's build directory: it has no include/generated", path);
    int rc = root_open(&host, "/", err);
    return rc ? rc : kernel_headers_read_at(&host, canonical, release, headers, err);
}

int headers_source_read(const char *spec, const char *release, struct kernel_headers *headers,
                        struct error *err) {
    struct stat st;
    *headers = (struct kernel_headers){0};
    if (stat(spec, &st) == 0 && S_ISDIR(st.st_mode))
        return read_directory(spec, release, headers, err);
    return read_packages(spec, release, headers, err);
}
