#include "kmod/system/initramfs_image.h"

#include "base/interrupt.h"
#include "kmod/system/packed_stream.h"
#include "kmod/system/unpacker.h"

#define UNPACKED_MAX (16ULL << 30)

struct image {
    int fd;
    uint64_t offset; /* where the next read begins */
    uint64_t unpacked;
    const char *name;
    int (*visit)(void *context, struct cpio_entry *entry, struct error *err);
    void *context;
    struct unpacker *unpacker; /* of the compressed part that is being read */
};

static int read_file(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct image *image = context;
    ssize_t count = pread(image->fd, data, size, (off_t)image->offset);
    if (count < 0)
        return error_io(err, errno, "can't read %s", image->name);
    image->offset += (uint64_t)count;
    *got = (size_t)count;
    return 0;
}

static int read_unpacked(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct image *image = context;
    int rc = unpacker_read(image->unpacker, data, size, got, err);
    if (rc)
        return rc;
    image->unpacked += *got;
    if (image->unpacked > UNPACKED_MAX)
        return error_set(err, ERROR_DAMAGED, EFBIG, "%s unpacks to more than 16 GiB", image->name);
    return interrupt_check(err);
}

/* To the next byte that is not zero; *at_end when there is none. */
static int skip_zeros(struct byte_stream *stream, bool *at_end, struct error *err) {
    const uint8_t *data;
    size_t held;
    for (;;) {
        int rc = byte_stream_peek(stream, CPIO_MAGIC_SIZE, &data, &held, err);
        *at_end = held == 0;
        if (rc || *at_end || *data)
            return rc;
        size_t zeros = 0;
        while (zeros < held && !data[zeros])
            zeros++;
        byte_stream_take(stream, zeros);
    }
}

static int is_archive(struct byte_stream *stream, const char *name, bool *archive,
                      struct error *err) {
    const uint8_t *data;
    size_t held;
    int rc = byte_stream_peek(stream, CPIO_MAGIC_SIZE, &data, &held, err);
    *archive = !rc && held >= CPIO_MAGIC_SIZE && cpio_is_magic(data);
    if (*archive && stream->position % 4)
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "%s has an archive at byte %llu, where the kernel does not read it: fill "
                         "up with zero bytes to a multiple of four",
                         name, (unsigned long long)stream->position);
    return rc;
}

/* Compressed content is archives alone. */
static int walk_unpacked(struct image *image, struct byte_stream *stream, struct error *err) {
    bool at_end = false, archive = true;
    for (;;) {
        int rc = skip_zeros(stream, &at_end, err);
        if (rc || at_end)
            return rc;
        rc = is_archive(stream, image->name, &archive, err);
        if (!rc && !archive)
            rc =
                error_set(err, ERROR_DAMAGED, EBADMSG,
                          "%s is no initramfs: what it unpacks to is no cpio archive", image->name);
        if (!rc)
            rc = cpio_walk(stream, image->name, image->visit, image->context, err);
        if (rc)
            return rc;
    }
}

/* The decompressor and the headers have to say the same of where it ends, unless only one of them
 * says it. */
static int find_end(const struct image *image, struct packed_stream *packed, uint64_t *size,
                    struct error *err) {
    uint8_t byte;
    size_t more;
    *size = unpacker_consumed(image->unpacker);
    if (packed->format == PACKED_LZMA || unpacker_finds_end(packed->format))
        return 0;
    int rc = packed_stream_read(packed, &byte, sizeof byte, &more, err);
    if (rc || (more == 0 && *size == packed_stream_given(packed)))
        return rc;
    return error_set(err, ERROR_DAMAGED, EBADMSG,
                     "%s is damaged: a compressed part of it has something behind its end",
                     image->name);
}

/* The xz program does not say where it stopped. */
static int advise(const struct packed_stream *packed, int rc, struct error *err) {
    return rc == -EBADMSG && packed->format == PACKED_LZMA
               ? error_wrap(err, rc,
                            "where lzma ends is not known (with xz or zstd it is), so nothing may "
                            "follow it")
               : rc;
}

static int walk_compressed(struct image *image, uint64_t position, struct error *err) {
    AUTO_FREE struct byte_stream *stream = calloc(1, sizeof *stream);
    AUTO_PACKED_STREAM struct packed_stream *packed = NULL;
    if (!stream)
        return error_oom(err, "reading an initramfs");
    uint64_t size = 0;
    image->offset = position;
    int rc = packed_stream_open(&packed, read_file, image, image->name, err);
    if (!rc && unpacker_finds_end(packed->format))
        packed_stream_give_all(packed);
    if (!rc)
        rc = unpacker_open_format(&image->unpacker, packed->format, packed_stream_read, packed,
                                  image->name, err);
    if (rc)
        return rc;
    byte_stream_begin(stream, read_unpacked, image, 0);
    rc = walk_unpacked(image, stream, err);
    if (!rc)
        rc = find_end(image, packed, &size, err);
    image->offset = position + size;
    unpacker_close(&image->unpacker);
    return advise(packed, rc, err);
}

static int walk(struct image *image, struct byte_stream *stream, struct error *err) {
    bool at_end = false, archive = false;
    for (;;) {
        int rc = skip_zeros(stream, &at_end, err);
        if (!rc && !at_end)
            rc = is_archive(stream, image->name, &archive, err);
        if (rc || at_end)
            return rc;
        if (archive) {
            rc = cpio_walk(stream, image->name, image->visit, image->context, err);
        } else {
            rc = walk_compressed(image, stream->position, err);
            byte_stream_begin(stream, read_file, image, image->offset);
        }
        if (rc)
            return rc;
    }
}

int initramfs_image_walk(int fd, const char *name,
                         int (*visit)(void *context, struct cpio_entry *entry, struct error *err),
                         void *context, struct error *err) {
    struct image image = {.fd = fd, .name = name, .visit = visit, .context = context};
    AUTO_FREE struct byte_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return error_oom(err, "reading an initramfs");
    byte_stream_begin(stream, read_file, &image, 0);
    return walk(&image, stream, err);
}
