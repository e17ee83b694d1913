#include "test/unit/scratch_archive.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/tree.h"
#include "test/unit/scratch_root.h"

#define BLOCK 512

/* The header of POSIX ustar; numbers are octal digits, or binary with the first bit set. */
struct ustar {
    char name[100];
    char mode[8], uid[8], gid[8];
    char size[12], mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[8]; /* "ustar\0" "00" */
    char owner[32], group[32];
    char device_major[8], device_minor[8];
    char prefix[155];
    char padding[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a tar header is one block");

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "the test can't prepare %s\n", what);
    exit(99);
}

static void append(struct buffer *tar, const void *data, size_t size) {
    if (buffer_append(tar, data, size))
        give_up("an archive");
}

static void put_number(char field[static 8], unsigned number) {
    snprintf(field, 8, "%07o", number & 07777777);
}

/* Sizes beyond 8 GiB do not fit in octal digits. */
static void put_size(char field[static 12], unsigned long long size) {
    if (size < 1ULL << 33) {
        snprintf(field, 12, "%011llo", size);
        return;
    }
    field[0] = (char)0x80;
    for (int i = 11; i > 3; i--, size >>= 8)
        field[i] = (char)(size & 0xff);
}

/* A path that is too long for the name has its first part in the prefix. */
static void put_path(struct ustar *header, const char *path) {
    size_t length = strlen(path);
    if (length < sizeof header->name) {
        memcpy(header->name, path, length);
        return;
    }
    size_t cut = length - sizeof header->name + 1;
    while (path[cut] && path[cut] != '/')
        cut++;
    snprintf(header->prefix, sizeof header->prefix, "%.*s", (int)cut, path);
    snprintf(header->name, sizeof header->name, "%s", path + cut + 1);
}

static void put_checksum(struct ustar *header) {
    unsigned sum = 0;
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < BLOCK; i++)
        sum += ((const unsigned char *)header)[i];
    snprintf(header->checksum, sizeof header->checksum, "%06o", sum & 0777777);
}

void scratch_archive_add(struct buffer *tar, const struct scratch_entry *entry) {
    static const char zeros[BLOCK];
    const char *text = entry->text ? entry->text : "";
    size_t size = entry->type == '0' ? strlen(text) : 0;
    mode_t mode = entry->mode ? entry->mode : entry->type == '5' ? 0755 : 0644;
    struct ustar header = {.type = entry->type,
                           .magic = "ustar\0"
                                    "0"};
    header.magic[7] = '0';
    put_path(&header, entry->path);
    if (entry->type == '1' || entry->type == '2')
        snprintf(header.link, sizeof header.link, "%s", text);
    put_number(header.mode, mode);
    put_number(header.uid, 1234);
    put_number(header.gid, 1234);
    snprintf(header.mtime, sizeof header.mtime, "%011o", SCRATCH_ARCHIVE_TIME);
    put_size(header.size, entry->pretended ? entry->pretended : size);
    put_checksum(&header);
    append(tar, &header, sizeof header);
    append(tar, text, size);
    append(tar, zeros, (BLOCK - size % BLOCK) % BLOCK);
}

void scratch_archive_end(struct buffer *tar) {
    static const char zeros[2 * BLOCK];
    append(tar, zeros, sizeof zeros);
}

void scratch_archive_deb(const struct root *root, const char *data, const char *deb) {
    AUTO_BUFFER struct buffer control = {0};
    scratch_archive_end(&control);
    scratch_root_write(root, "/debian-binary", "2.0\n");
    scratch_root_write_bytes(root, "/control.tar", control.data, control.size);
    scratch_root_run("ar", "rcD", scratch_root_host(root, deb),
                     scratch_root_host(root, "/debian-binary"),
                     scratch_root_host(root, "/control.tar"), scratch_root_host(root, data), NULL);
}

const char *scratch_archive_package(const char *pattern) {
    static char path[PATH_MAX];
    const char *build = getenv("BUILD_DIR");
    glob_t found;
    snprintf(path, sizeof path, "%s/downloads/%s.deb", build ? build : "build", pattern);
    if (glob(path, 0, NULL, &found) || found.gl_pathc == 0) {
        fprintf(stderr, "there is no %s: run scripts/install-deps\n", path);
        exit(99);
    }
    snprintf(path, sizeof path, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return path;
}

static int list_entry(void *context, const struct tree_entry *entry, struct error *err) {
    const struct stat *st = entry->st;
    char detail[PATH_MAX] = "";
    if (S_ISLNK(st->st_mode) &&
        readlinkat(entry->parent, entry->name, detail, sizeof detail - 1) < 0)
        return error_io(err, errno, "%s", entry->path);
    if (S_ISREG(st->st_mode)) {
        AUTO_CLOSE int fd = openat(entry->parent, entry->name, O_RDONLY | O_NOFOLLOW);
        int rc = digest_fd(fd, entry->path, detail, err);
        if (rc)
            return rc;
    }
    return buffer_printf(context, "%s %07o %u:%u %lld.%09ld %s\n", entry->path, st->st_mode,
                         st->st_uid, st->st_gid, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                         detail);
}

void scratch_archive_list(int fd, struct buffer *out) {
    struct error err = {0};
    if (tree_walk(fd, "the tree", list_entry, out, &err))
        give_up(err.text);
}
