#include "kmod/system/unpacker.h"

#include <archive.h>

struct unpacker {
    struct archive *archive;
    byte_source source;
    void *context;
    const char *name;
    struct error failure; /* of the source, while libarchive passes it through */
    uint8_t block[BYTE_STREAM_BLOCK];
};

static int damaged(struct unpacker *unpacker, struct error *err) {
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
    struct unpacker *unpacker = context;
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

static int begin(struct unpacker *unpacker, struct error *err) {
    struct archive *archive = unpacker->archive;
    struct archive_entry *entry;
    if (choose_formats(archive) || archive_read_open(archive, unpacker, NULL, feed, NULL))
        return damaged(unpacker, err);
    if (archive_filter_code(archive, 0) == ARCHIVE_FILTER_NONE)
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "%s is damaged, or compressed in a way that prebake does not know",
                         unpacker->name);
    int rc = archive_read_next_header(archive, &entry);
    return rc == ARCHIVE_OK || rc == ARCHIVE_EOF ? 0 : damaged(unpacker, err);
}

int unpacker_open(struct unpacker **unpacker, byte_source source, void *context, const char *name,
                  struct error *err) {
    AUTO_UNPACKER struct unpacker *fresh = calloc(1, sizeof *fresh);
    if (!fresh || !(fresh->archive = archive_read_new()))
        return error_oom(err, "decompressing");
    fresh->source = source;
    fresh->context = context;
    fresh->name = name;
    int rc = begin(fresh, err);
    if (!rc)
        *unpacker = STEAL(fresh);
    return rc;
}

int unpacker_read(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct unpacker *unpacker = context;
    la_ssize_t count = archive_read_data(unpacker->archive, data, size);
    if (count < 0)
        return damaged(unpacker, err);
    *got = (size_t)count;
    return 0;
}

uint64_t unpacker_consumed(const struct unpacker *unpacker) {
    return (uint64_t)archive_filter_bytes(unpacker->archive, -1);
}

void unpacker_close(struct unpacker **unpacker) {
    if (!*unpacker)
        return;
    archive_read_free((*unpacker)->archive);
    free(*unpacker);
    *unpacker = NULL;
}
