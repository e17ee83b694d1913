#include "kmod/system/unpacker_library.h"

#include <archive.h>

struct library {
    struct archive *archive;
    byte_source source;
    void *context;
    const char *name;
    struct error failure; /* of the source, while libarchive passes it through */
    uint8_t block[BYTE_STREAM_BLOCK];
};

static int damaged(struct library *unpacker, struct error *err) {
    if (unpacker->failure.kind != ERROR_NONE) {
        if (err)
            *err = unpacker->failure;
        return -unpacker->failure.errnum;
    }
    const char *why = archive_error_string(unpacker->archive);
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s can't be decompressed: %s", unpacker->name,
                     why ? why : "it is damaged");
}

static la_ssize_t feed(struct archive *archive, void *context, const void **block) {
    struct library *unpacker = context;
    size_t got = 0;
    if (unpacker->source(unpacker->context, unpacker->block, sizeof unpacker->block, &got,
                         &unpacker->failure)) {
        archive_set_error(archive, EIO, "unreadable");
        return ARCHIVE_FATAL;
    }
    *block = unpacker->block;
    return (la_ssize_t)got;
}

/* The formats are named one by one: libarchive's "all" includes some that start programs. */
static int choose_formats(struct archive *archive) {
    return archive_read_support_filter_gzip(archive) ||
           archive_read_support_filter_bzip2(archive) ||
           archive_read_support_filter_lzma(archive) || archive_read_support_filter_xz(archive) ||
           archive_read_support_filter_lz4(archive) || archive_read_support_filter_zstd(archive) ||
           archive_read_support_format_raw(archive);
}

static int begin(struct library *unpacker, struct error *err) {
    struct archive *archive = unpacker->archive;
    struct archive_entry *entry;
    if (choose_formats(archive) || archive_read_open(archive, unpacker, NULL, feed, NULL))
        return damaged(unpacker, err);
    if (archive_filter_code(archive, 0) == ARCHIVE_FILTER_NONE)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is damaged: no compressed stream",
                         unpacker->name);
    int rc = archive_read_next_header(archive, &entry);
    return rc == ARCHIVE_OK || rc == ARCHIVE_EOF ? 0 : damaged(unpacker, err);
}

static void close_library(void *state) {
    struct library *unpacker = state;
    if (!unpacker)
        return;
    archive_read_free(unpacker->archive);
    free(unpacker);
}

/* For lzop it starts a program itself. */
static bool can_unpack(enum packed_format format) {
    return format != PACKED_LZOP;
}

static bool finds_end(enum packed_format format) {
    return format == PACKED_GZIP || format == PACKED_LZMA;
}

static int open_library(void **state, enum packed_format format, byte_source source, void *context,
                        const char *name, struct error *err) {
    (void)format;
    struct library *unpacker = calloc(1, sizeof *unpacker);
    if (!unpacker || !(unpacker->archive = archive_read_new())) {
        free(unpacker);
        return error_oom(err, "decompressing");
    }
    unpacker->source = source;
    unpacker->context = context;
    unpacker->name = name;
    int rc = begin(unpacker, err);
    if (rc)
        close_library(unpacker);
    else
        *state = unpacker;
    return rc;
}

static int read_library(void *state, void *data, size_t size, size_t *got, struct error *err) {
    struct library *unpacker = state;
    la_ssize_t count = archive_read_data(unpacker->archive, data, size);
    if (count < 0)
        return damaged(unpacker, err);
    *got = (size_t)count;
    return 0;
}

static uint64_t consumed(const void *state) {
    const struct library *unpacker = state;
    return (uint64_t)archive_filter_bytes(unpacker->archive, -1);
}

const struct unpacking unpacker_library = {
    .can = can_unpack,
    .finds_end = finds_end,
    .open = open_library,
    .read = read_library,
    .consumed = consumed,
    .close = close_library,
};
