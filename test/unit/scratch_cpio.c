#include "test/unit/scratch_cpio.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <string.h>

static void must(bool done, const char *what) {
    if (done)
        return;
    fprintf(stderr, "the test can't make its initramfs image: %s\n", what);
    exit(99);
}

void scratch_cpio_pad(struct buffer *cpio, size_t alignment) {
    while (cpio->size % alignment)
        must(!buffer_append(cpio, "", 1), "memory");
}

void scratch_cpio_add(struct buffer *cpio, const char *path, const void *data, size_t size) {
    size_t name_size = strlen(path) + 1;
    scratch_cpio_pad(cpio, 4);
    /* magic, then ino mode uid gid nlink mtime filesize devs (4) namesize check */
    must(!buffer_printf(cpio, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1,
                        0100644, 0, 0, 1, 1600000000, size, 0, 0, 0, 0, name_size, 0) &&
             !buffer_append(cpio, path, name_size),
         "memory");
    scratch_cpio_pad(cpio, 4);
    must(!buffer_append(cpio, data, size), "memory");
    scratch_cpio_pad(cpio, 4);
}

void scratch_cpio_add_text(struct buffer *cpio, const char *path, const char *text) {
    scratch_cpio_add(cpio, path, text, strlen(text));
}

void scratch_cpio_end(struct buffer *cpio) {
    scratch_cpio_add(cpio, "TRAILER!!!", "", 0);
}

static la_ssize_t collect(struct archive *archive, void *out, const void *data, size_t size) {
    (void)archive;
    must(!buffer_append(out, data, size), "memory");
    return (la_ssize_t)size;
}

static void pack_by_libarchive(struct buffer *out, const struct buffer *content,
                               const char *format) {
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    must(!archive_write_add_filter_by_name(archive, format) &&
             !archive_write_set_format_raw(archive) &&
             !archive_write_set_bytes_in_last_block(archive, 1) &&
             !archive_write_open(archive, out, NULL, collect, NULL) &&
             !archive_write_header(archive, entry) &&
             archive_write_data(archive, content->data, content->size) ==
                 (la_ssize_t)content->size &&
             !archive_write_close(archive),
         archive_error_string(archive));
    archive_entry_free(entry);
    archive_write_free(archive);
}

static void append_little_endian(struct buffer *out, size_t value) {
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24)};
    must(!buffer_append(out, bytes, sizeof bytes), "memory");
}

/*
 * Magic 0x184c2102, then blocks: size, one sequence of literals. Its length is 15 in the token's
 * high half, and then bytes that are added up to the first that is not 255.
 */
static void pack_legacy_lz4(struct buffer *out, const struct buffer *content) {
    AUTO_BUFFER struct buffer block = {0};
    must(content->size >= 15 && content->size < (8 << 20), "a legacy lz4 block of that size");
    must(!buffer_append(&block, "\xf0", 1), "memory");
    size_t left = content->size - 15;
    for (; left >= 255; left -= 255)
        must(!buffer_append(&block, "\xff", 1), "memory");
    uint8_t last = (uint8_t)left;
    must(!buffer_append(&block, &last, 1) && !buffer_append(&block, content->data, content->size),
         "memory");
    append_little_endian(out, 0x184c2102);
    append_little_endian(out, block.size);
    must(!buffer_append(out, block.data, block.size), "memory");
}

void scratch_cpio_pack(struct buffer *out, const struct buffer *content, const char *format) {
    if (!strcmp(format, "none"))
        must(!buffer_append(out, content->data, content->size), "memory");
    else if (!strcmp(format, "lz4-legacy"))
        pack_legacy_lz4(out, content);
    else
        pack_by_libarchive(out, content, format);
}

void scratch_cpio_write(const char *path, const struct buffer *bytes) {
    FILE *file = fopen(path, "we");
    must(file && fwrite(bytes->data, 1, bytes->size, file) == bytes->size && !fclose(file), path);
}
