#include "kmod/system/cpio.h"

#include <limits.h>
#include <string.h>

#define HEADER_SIZE 110
#define TRAILER "TRAILER!!!"

/*
 * An entry, from a position that is a multiple of four; numbers are eight hex digits each:
 *
 *     magic "070701" or "070702" | ino mode uid gid nlink mtime filesize devmajor devminor
 *     rdevmajor rdevminor namesize check | name and its NUL | padding to four | content | padding
 */
enum field { FIELD_MODE = 1, FIELD_FILE_SIZE = 6, FIELD_NAME_SIZE = 11 };

bool cpio_is_magic(const uint8_t data[static CPIO_MAGIC_SIZE]) {
    return !memcmp(data, "070701", CPIO_MAGIC_SIZE) || !memcmp(data, "070702", CPIO_MAGIC_SIZE);
}

static int damaged(const char *archive, uint64_t position, const char *what, struct error *err) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is damaged at byte %llu: %s", archive,
                     (unsigned long long)position, what);
}

static int digit_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool read_field(const uint8_t *header, enum field field, uint32_t *value) {
    const uint8_t *digits = header + CPIO_MAGIC_SIZE + 8 * (size_t)field;
    *value = 0;
    for (size_t i = 0; i < 8; i++) {
        int digit = digit_value(digits[i]);
        if (digit < 0)
            return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

static int skip(struct byte_stream *stream, uint64_t size, const char *name, struct error *err) {
    while (size > 0) {
        const uint8_t *data;
        size_t held;
        int rc = byte_stream_peek(stream, 1, &data, &held, err);
        if (rc)
            return rc;
        if (held == 0)
            return damaged(name, stream->position, "it ends in the middle of a file", err);
        size_t step = held < size ? held : (size_t)size;
        byte_stream_take(stream, step);
        size -= step;
    }
    return 0;
}

static uint64_t padding_at(uint64_t position) {
    return -position & 3;
}

int cpio_entry_read(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct cpio_entry *entry = context;
    const uint8_t *held;
    size_t count;
    *got = 0;
    if (entry->left == 0)
        return 0;
    int rc = byte_stream_peek(entry->stream, 1, &held, &count, err);
    if (rc)
        return rc;
    if (count == 0)
        return damaged(entry->archive, entry->stream->position, "it ends in the middle of a file",
                       err);
    count = count < size ? count : size;
    count = count < entry->left ? count : (size_t)entry->left;
    memcpy(data, held, count);
    byte_stream_take(entry->stream, count);
    entry->left -= count;
    *got = count;
    return 0;
}

static int read_header(struct byte_stream *stream, const char *name, struct cpio_entry *entry,
                       uint32_t *name_size, struct error *err) {
    const uint8_t *header;
    size_t held;
    uint32_t size;
    int rc = byte_stream_peek(stream, HEADER_SIZE, &header, &held, err);
    if (rc)
        return rc;
    if (held < HEADER_SIZE)
        return damaged(name, stream->position, "it ends without a trailer", err);
    if (!cpio_is_magic(header) || !read_field(header, FIELD_MODE, &entry->mode) ||
        !read_field(header, FIELD_FILE_SIZE, &size) ||
        !read_field(header, FIELD_NAME_SIZE, name_size))
        return damaged(name, stream->position, "that is no cpio header", err);
    if (*name_size == 0 || *name_size > PATH_MAX)
        return damaged(name, stream->position, "a file name is empty or too long", err);
    entry->size = entry->left = size;
    byte_stream_take(stream, HEADER_SIZE);
    return 0;
}

static int read_name(struct byte_stream *stream, const char *name, uint32_t size,
                     char path[static PATH_MAX + 1], struct error *err) {
    const uint8_t *data;
    size_t held;
    int rc = byte_stream_peek(stream, size, &data, &held, err);
    if (rc)
        return rc;
    if (held < size)
        return damaged(name, stream->position, "it ends in the middle of a file name", err);
    memcpy(path, data, size);
    path[size] = '\0';
    byte_stream_take(stream, size);
    return skip(stream, padding_at(stream->position), name, err);
}

/* 1: an entry was visited; 0: that was the trailer. */
static int walk_entry(struct byte_stream *stream, const char *name,
                      int (*visit)(void *, struct cpio_entry *, struct error *), void *context,
                      struct error *err) {
    char path[PATH_MAX + 1];
    struct cpio_entry entry = {.path = path, .stream = stream, .archive = name};
    uint32_t name_size = 0;
    int rc = read_header(stream, name, &entry, &name_size, err);
    if (!rc)
        rc = read_name(stream, name, name_size, path, err);
    if (rc)
        return rc;
    bool is_trailer = !strcmp(path, TRAILER);
    uint64_t padding = padding_at(stream->position + entry.size);
    if (!is_trailer)
        rc = visit(context, &entry, err);
    if (!rc)
        rc = skip(stream, entry.left, name, err);
    /* Nothing has to follow the trailer, not even its padding. */
    if (!rc && !is_trailer)
        rc = skip(stream, padding, name, err);
    return rc ? rc : !is_trailer;
}

int cpio_walk(struct byte_stream *stream, const char *name,
              int (*visit)(void *context, struct cpio_entry *entry, struct error *err),
              void *context, struct error *err) {
    int rc;
    do {
        rc = walk_entry(stream, name, visit, context, err);
    } while (rc == 1);
    return rc;
}
