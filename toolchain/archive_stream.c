#include "toolchain/archive_stream.h"

#include <archive_entry.h>
#include <string.h>

#define BLOCK_SIZE (64 << 10)

/* A stage that serves the next one; libarchive asks for one block at a time. */
struct feeder {
    struct archive *from;
    uint64_t left; /* how many bytes more it may give */
    bool over;     /* it was asked for more than that */
    uint8_t block[BLOCK_SIZE];
};

struct archive_stream {
    const char *name;
    bool is_deb;
    struct archive *ar, *raw, *tar;
    struct feeder data_member, decompressed;
};

static int damaged(const struct archive_stream *stream, struct archive *stage, struct error *err) {
    if (stream->decompressed.over || stream->data_member.over)
        return error_set(err, ERROR_REFUSED, EFBIG,
                         "%s: the archive unpacks to more than prebake accepts", stream->name);
    const char *why = archive_error_string(stage);
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is damaged: %s", stream->name,
                     why ? why : "it does not parse");
}

static la_ssize_t feed(struct archive *asking, void *context, const void **block) {
    struct feeder *feeder = context;
    la_ssize_t got = archive_read_data(feeder->from, feeder->block, sizeof feeder->block);
    if (got < 0) {
        const char *why = archive_error_string(feeder->from);
        archive_set_error(asking, EBADMSG, "%s", why ? why : "unreadable");
        return ARCHIVE_FATAL;
    }
    if ((uint64_t)got > feeder->left) {
        feeder->over = true;
        archive_set_error(asking, EFBIG, "too much data");
        return ARCHIVE_FATAL;
    }
    feeder->left -= (uint64_t)got;
    *block = feeder->block;
    return got;
}

/* Positions an ar reader at data.tar.* (deb(5): debian-binary, control.tar.*, data.tar.*). */
static int open_deb(struct archive_stream *stream, int fd, struct error *err) {
    struct archive_entry *entry;
    stream->ar = archive_read_new();
    if (!stream->ar)
        return error_oom(err, "opening an archive");
    int rc = archive_read_support_format_ar(stream->ar);
    if (rc == ARCHIVE_OK)
        rc = archive_read_open_fd(stream->ar, fd, BLOCK_SIZE);
    while (rc == ARCHIVE_OK && (rc = archive_read_next_header(stream->ar, &entry)) == ARCHIVE_OK) {
        const char *member = archive_entry_pathname(entry);
        if (member && !strncmp(member, "data.tar", strlen("data.tar")))
            return 0;
    }
    if (rc == ARCHIVE_EOF)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is damaged: it has no data member",
                         stream->name);
    return damaged(stream, stream->ar, err);
}

/* The algorithms are named one by one: libarchive's "all" includes some that start programs. */
static int open_raw(struct archive_stream *stream, int fd, struct error *err) {
    struct archive_entry *entry;
    stream->raw = archive_read_new();
    if (!stream->raw)
        return error_oom(err, "opening an archive");
    struct archive *raw = stream->raw;
    if (archive_read_support_filter_gzip(raw) || archive_read_support_filter_bzip2(raw) ||
        archive_read_support_filter_lzma(raw) || archive_read_support_filter_xz(raw) ||
        archive_read_support_filter_zstd(raw) || archive_read_support_format_raw(raw))
        return damaged(stream, raw, err);
    stream->data_member.from = stream->ar;
    stream->data_member.left = UINT64_MAX;
    int rc = stream->is_deb ? archive_read_open(raw, &stream->data_member, NULL, feed, NULL)
                            : archive_read_open_fd(raw, fd, BLOCK_SIZE);
    if (rc == ARCHIVE_OK)
        rc = archive_read_next_header(raw, &entry);
    return rc == ARCHIVE_OK ? 0 : damaged(stream, raw, err);
}

static int open_tar(struct archive_stream *stream, uint64_t bytes_max, struct error *err) {
    stream->tar = archive_read_new();
    if (!stream->tar)
        return error_oom(err, "opening an archive");
    stream->decompressed.from = stream->raw;
    stream->decompressed.left = bytes_max;
    int rc = archive_read_support_format_tar(stream->tar);
    if (rc == ARCHIVE_OK)
        rc = archive_read_open(stream->tar, &stream->decompressed, NULL, feed, NULL);
    bool was_read = archive_errno(stream->raw) == 0 && !stream->decompressed.over;
    if (rc != ARCHIVE_OK && was_read && !stream->is_deb)
        return error_set(err, ERROR_USAGE, EINVAL, "%s is neither a .deb nor a tar archive",
                         stream->name);
    /* What the stage before could not read says more than what tar makes of it. */
    return rc == ARCHIVE_OK ? 0 : damaged(stream, was_read ? stream->tar : stream->raw, err);
}

int archive_stream_open(struct archive_stream **stream, int fd, const char *name, bool is_deb,
                        uint64_t bytes_max, struct error *err) {
    AUTO_ARCHIVE_STREAM struct archive_stream *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return error_oom(err, "opening an archive");
    fresh->name = name;
    fresh->is_deb = is_deb;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_io(err, errno, "can't read %s", name);
    int rc = is_deb ? open_deb(fresh, fd, err) : 0;
    if (!rc)
        rc = open_raw(fresh, fd, err);
    if (!rc)
        rc = open_tar(fresh, bytes_max, err);
    if (!rc)
        *stream = STEAL(fresh);
    return rc;
}

/* To the end of the decompressed stream: zero padding, and the compression's checksum. */
static int drain(struct archive_stream *stream, struct error *err) {
    const void *block;
    la_ssize_t got;
    do {
        got = feed(stream->tar, &stream->decompressed, &block);
    } while (got > 0);
    return got == 0 ? 0 : damaged(stream, stream->tar, err);
}

int archive_stream_next(struct archive_stream *stream, struct archive_entry **entry,
                        struct error *err) {
    int rc = archive_read_next_header(stream->tar, entry);
    /* A warning is a name that the locale can't express: the caller takes the bytes. */
    if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
        return 0;
    *entry = NULL;
    if (rc == ARCHIVE_EOF)
        return drain(stream, err);
    return damaged(stream, stream->tar, err);
}

int archive_stream_read(struct archive_stream *stream, void *data, size_t size, size_t *got,
                        struct error *err) {
    la_ssize_t size_read = archive_read_data(stream->tar, data, size);
    if (size_read < 0)
        return damaged(stream, stream->tar, err);
    *got = (size_t)size_read;
    return 0;
}

void archive_stream_close(struct archive_stream **stream) {
    if (!*stream)
        return;
    archive_read_free((*stream)->tar);
    archive_read_free((*stream)->raw);
    archive_read_free((*stream)->ar);
    free(*stream);
    *stream = NULL;
}
