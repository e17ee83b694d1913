#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>

#include "base/interrupt.h"
#include "kmod/system/initramfs_image.h"
#include "kmod/system/unpacker_library.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_cpio.h"
#include "test/unit/workdir.h"

static struct error err;
static struct buffer seen; /* "path=content;" for each file */

static int look(void *context, struct cpio_entry *entry, struct error *reason) {
    char content[512] = "";
    size_t held = 0, got = 1;
    (void)context;
    while (got > 0 && held < sizeof content - 1) {
        int rc = cpio_entry_read(entry, content + held, sizeof content - 1 - held, &got, reason);
        if (rc)
            return rc;
        held += got;
    }
    return buffer_printf(&seen, "%s=%.20s;", entry->path, content);
}

static int pass_over(void *context, struct cpio_entry *entry, struct error *reason) {
    (void)reason;
    (*(unsigned *)context)++;
    return entry->left == entry->size ? 0 : -EIO;
}

static int walk_with(const struct buffer *image,
                     int (*visit)(void *, struct cpio_entry *, struct error *), void *context) {
    const char *path = workdir_path("image");
    scratch_cpio_write(path, image);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    err = (struct error){0};
    return initramfs_image_walk(fd, "image", visit, context, &err);
}

static int walk(const struct buffer *image) {
    buffer_release(&seen);
    return walk_with(image, look, NULL);
}

static void expect_damaged(const struct buffer *image, const char *words) {
    CU_ASSERT_EQUAL(walk(image), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    if (!strstr(err.text, words) || !strstr(err.text, "image"))
        fprintf(stderr, "expected \"%s\", found: %s\n", words, err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "image"));
}

static void make_archive(struct buffer *cpio, const char *path, const char *text) {
    scratch_cpio_add_text(cpio, path, text);
    scratch_cpio_end(cpio);
}

static void test_every_compression(void) {
    static const char *const formats[] = {"none", "gzip", "bzip2", "lzma",
                                          "xz",   "lz4",  "zstd",  "lz4-legacy"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer cpio = {0}, image = {0};
        scratch_cpio_add_text(&cpio, "init", "#!/bin/sh");
        scratch_cpio_add_text(&cpio, "empty", "");
        make_archive(&cpio, "lib/modules/K/a.ko", "module");
        scratch_cpio_pack(&image, &cpio, formats[i]);
        int rc = walk(&image);
        if (rc)
            fprintf(stderr, "%s: %s\n", formats[i], err.text);
        CU_ASSERT_EQUAL(rc, 0);
        CU_ASSERT_STRING_EQUAL(buffer_string(&seen),
                               "init=#!/bin/sh;empty=;lib/modules/K/a.ko=module;");
    }
}

/* As Debian's mkinitramfs: microcode, padding, the rest compressed. */
static void test_microcode_in_front(void) {
    static const char *const formats[] = {"none", "gzip", "xz", "lz4", "lz4-legacy", "zstd"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer cpio = {0}, image = {0};
        make_archive(&image, "kernel/x86/microcode/GenuineIntel.bin", "code");
        scratch_cpio_pad(&image, 512);
        make_archive(&cpio, "init", "program");
        scratch_cpio_pack(&image, &cpio, formats[i]);
        CU_ASSERT_EQUAL(walk(&image), 0);
        CU_ASSERT_STRING_EQUAL(buffer_string(&seen),
                               "kernel/x86/microcode/GenuineIntel.bin=code;init=program;");
    }
}

/* What follows a compressed part is read too. */
static void test_many_parts(void) {
    AUTO_BUFFER struct buffer first = {0}, second = {0}, image = {0};
    make_archive(&first, "one", "1");
    scratch_cpio_pad(&first, 512);
    make_archive(&first, "two", "2");
    make_archive(&second, "three", "3");
    scratch_cpio_pack(&image, &first, "gzip");
    scratch_cpio_pad(&image, 4);
    scratch_cpio_pack(&image, &second, "none");
    scratch_cpio_pad(&image, 512);
    scratch_cpio_pack(&image, &second, "gzip");
    CU_ASSERT_EQUAL(walk(&image), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&seen), "one=1;two=2;three=3;three=3;");
}

/* Two parts, each as it may be, with zero bytes between and behind them, or none. */
static void test_two_parts(void) {
    static const char *const firsts[] = {"none", "gzip",       "bzip2", "xz",
                                         "lz4",  "lz4-legacy", "zstd"};
    static const char *const seconds[] = {"none", "gzip", "xz", "zstd", "lz4-legacy"};
    static const size_t alignments[] = {4, 512};
    for (size_t i = 0; i < ARRAY_SIZE(firsts) * ARRAY_SIZE(seconds); i++) {
        AUTO_BUFFER struct buffer first = {0}, second = {0}, image = {0};
        const char *front = firsts[i / ARRAY_SIZE(seconds)];
        const char *back = seconds[i % ARRAY_SIZE(seconds)];
        make_archive(&first, "one", "1");
        make_archive(&second, "lib/modules/K/a.ko", "module");
        scratch_cpio_pack(&image, &first, front);
        scratch_cpio_pad(&image, alignments[i % 2]);
        scratch_cpio_pack(&image, &second, back);
        scratch_cpio_pad(&image, alignments[i % 2]);
        int rc = walk(&image);
        if (rc)
            fprintf(stderr, "%s, %s: %s\n", front, back, err.text);
        CU_ASSERT_EQUAL(rc, 0);
        CU_ASSERT_STRING_EQUAL(buffer_string(&seen), "one=1;lib/modules/K/a.ko=module;");
    }
}

/* Nothing between them. After legacy lz4 the size of a block is expected, as which the kernel takes
 * gzip's first bytes. */
static void test_parts_without_padding(void) {
    static const char *const formats[] = {"zstd", "gzip",       "bzip2", "lz4",
                                          "xz",   "lz4-legacy", "zstd"};
    AUTO_BUFFER struct buffer image = {0};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer cpio = {0};
        make_archive(&cpio, formats[i], "text");
        scratch_cpio_pack(&image, &cpio, formats[i]);
    }
    CU_ASSERT_EQUAL(walk(&image), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&seen), "zstd=text;gzip=text;bzip2=text;lz4=text;xz=text;"
                                                 "lz4-legacy=text;zstd=text;");
}

/* What follows is never passed over: not where the kernel would not read it, and not garbage. */
static void test_what_follows_is_not_unseen(void) {
    static const char *const formats[] = {"gzip", "bzip2", "xz", "lz4", "lz4-legacy", "zstd"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer first = {0}, image = {0};
        make_archive(&first, "one", "1");
        scratch_cpio_pack(&image, &first, formats[i]);
        size_t size = image.size;
        CU_ASSERT_EQUAL(buffer_append(&image, "\0\xff\xff\xff\xff\xff", 6), 0);
        expect_damaged(&image, "does not know");
        CU_ASSERT_STRING_EQUAL(buffer_string(&seen), "one=1;");
        image.size = size;
        scratch_cpio_pad(&image, 4);
        CU_ASSERT_EQUAL(buffer_append(&image, "\0", 1), 0);
        CU_ASSERT_EQUAL(buffer_append(&image, first.data, first.size), 0);
        expect_damaged(&image, "multiple of four");
    }
}

/* Where its stream ends, the xz program does not say. */
static void test_lzma_is_the_last(void) {
    AUTO_BUFFER struct buffer cpio = {0}, image = {0};
    make_archive(&cpio, "one", "1");
    scratch_cpio_pack(&image, &cpio, "lzma");
    CU_ASSERT_EQUAL(buffer_append(&image, "\0\0\0\0\0\0\0\0", 8), 0);
    expect_damaged(&image, "nothing may follow it");
}

/* One in seven: each costs a process. */
static void test_truncated_for_programs(void) {
    static const char *const formats[] = {"gzip", "xz", "lz4", "zstd"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer cpio = {0}, image = {0};
        make_archive(&cpio, "init", "program");
        scratch_cpio_pack(&image, &cpio, formats[i]);
        for (size_t size = 1; size < image.size; size += 7) {
            struct buffer part = {.data = image.data, .size = size};
            CU_ASSERT_EQUAL(walk(&part), -EBADMSG);
            CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        }
    }
}

static void test_nothing_in_it(void) {
    AUTO_BUFFER struct buffer image = {0};
    CU_ASSERT_EQUAL(walk(&image), 0);
    CU_ASSERT_EQUAL(buffer_append(&image, "\0\0\0\0\0", 5), 0);
    CU_ASSERT_EQUAL(walk(&image), 0);
    CU_ASSERT_EQUAL(seen.size, 0);
}

static void test_large_files_are_passed_over(void) {
    AUTO_BUFFER struct buffer cpio = {0}, image = {0};
    size_t size = 3 << 20;
    AUTO_FREE char *large = calloc(1, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    for (unsigned i = 0; i < 5; i++)
        scratch_cpio_add(&cpio, "large", large, size - i);
    scratch_cpio_end(&cpio);
    scratch_cpio_pack(&image, &cpio, "zstd");
    unsigned count = 0;
    CU_ASSERT_EQUAL(walk_with(&image, pass_over, &count), 0);
    CU_ASSERT_EQUAL(count, 5);
}

static void expect_damaged_text(const char *text, const char *words) {
    AUTO_BUFFER struct buffer image = {0};
    CU_ASSERT_EQUAL(buffer_append_string(&image, text), 0);
    expect_damaged(&image, words);
}

static void test_no_initramfs(void) {
    expect_damaged_text("hsqs: a squashfs, say", "does not know");
    expect_damaged_text("070701", "without a trailer");
    expect_damaged_text("x", "does not know");
    AUTO_BUFFER struct buffer text = {0}, image = {0};
    CU_ASSERT_EQUAL(buffer_append_string(&text, "neither archive nor zero bytes"), 0);
    scratch_cpio_pack(&image, &text, "gzip");
    expect_damaged(&image, "no cpio archive");
}

/* Each truncation is an error, but where the archive is whole. */
static void test_truncated(void) {
    static const char *const formats[] = {"none", "gzip", "xz", "lz4", "zstd"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer cpio = {0}, image = {0};
        make_archive(&cpio, "init", "program");
        scratch_cpio_pack(&image, &cpio, formats[i]);
        size_t whole = image.size - (i == 0 ? 1 : 0); /* padding behind the trailer's name */
        for (size_t size = 1; size < whole; size++) {
            struct buffer part = {.data = image.data, .size = size};
            int rc = walk(&part);
            if (rc != -EBADMSG)
                fprintf(stderr, "%s, %zu of %zu bytes: %d\n", formats[i], size, image.size, rc);
            CU_ASSERT_EQUAL(rc, -EBADMSG);
            CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        }
    }
}

static void damage_header(size_t offset, const char *digits, const char *words) {
    AUTO_BUFFER struct buffer image = {0};
    make_archive(&image, "init", "program");
    memcpy(image.data + offset, digits, strlen(digits));
    expect_damaged(&image, words);
}

static void test_lying_headers(void) {
    damage_header(6 + 8 * 6, "ffffffff", "middle of a file");   /* size */
    damage_header(6 + 8 * 6, "0000000g", "no cpio header");     /* no digit */
    damage_header(6 + 8 * 6, "        ", "no cpio header");     /* none at all */
    damage_header(6 + 8 * 11, "00000000", "empty or too long"); /* length of the name */
    damage_header(6 + 8 * 11, "00001001", "empty or too long");
    damage_header(6 + 8 * 11, "00000fff", "middle of a file name");
}

/* Upper-case digits, the format with checksums, a name without its NUL. */
static void test_unusual_headers(void) {
    AUTO_BUFFER struct buffer image = {0};
    make_archive(&image, "init", "0123456789");
    memcpy(image.data, "070702", 6);
    memcpy(image.data + 6 + 8 * 6, "0000000A", 8);
    CU_ASSERT_EQUAL(walk(&image), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&seen), "init=0123456789;");
    image.data[110 + 4] = 'X';
    CU_ASSERT_EQUAL(walk(&image), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&seen), "initX=0123456789;");
}

static int stop(void *context, struct cpio_entry *entry, struct error *reason) {
    (void)context;
    return error_set(reason, ERROR_BUSY, EBUSY, "%s", entry->path);
}

static void test_a_visit_stops_it(void) {
    AUTO_BUFFER struct buffer cpio = {0}, image = {0};
    make_archive(&cpio, "init", "program");
    scratch_cpio_pack(&image, &cpio, "zstd");
    CU_ASSERT_EQUAL(walk_with(&image, stop, NULL), -EBUSY);
    CU_ASSERT_STRING_EQUAL(err.text, "init");
}

static void test_random_bytes(void) {
    AUTO_BUFFER struct buffer cpio = {0}, whole = {0};
    make_archive(&cpio, "kernel/microcode", "code");
    scratch_cpio_pack(&whole, &cpio, "none");
    scratch_cpio_pack(&whole, &cpio, "gzip");
    for (unsigned i = 0; i < 3000; i++) {
        AUTO_BUFFER struct buffer image = {0};
        CU_ASSERT_EQUAL(buffer_append(&image, whole.data, whole.size), 0);
        for (unsigned j = 0; j < 3; j++)
            image.data[workdir_random() % image.size] = (uint8_t)workdir_random();
        int rc = walk(&image);
        CU_ASSERT_TRUE(rc == 0 || (rc == -EBADMSG && err.kind == ERROR_DAMAGED));
    }
}

static int use_library(void) {
    unpacker_use(&unpacker_library);
    return workdir_close();
}

int main(void) {
    interrupt_install();
    CU_TestInfo tests[] = {
        {"every compression", test_every_compression},
        {"microcode in front", test_microcode_in_front},
        {"many parts", test_many_parts},
        {"two parts", test_two_parts},
        {"parts without padding", test_parts_without_padding},
        {"what follows is not unseen", test_what_follows_is_not_unseen},
        {"nothing in it", test_nothing_in_it},
        {"large files are passed over", test_large_files_are_passed_over},
        {"no initramfs", test_no_initramfs},
        {"truncated", test_truncated},
        {"lying headers", test_lying_headers},
        {"unusual headers", test_unusual_headers},
        {"a visit stops it", test_a_visit_stops_it},
        {"random bytes", test_random_bytes},
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo program_tests[] = {
        {"every compression", test_every_compression},
        {"microcode in front", test_microcode_in_front},
        {"many parts", test_many_parts},
        {"two parts", test_two_parts},
        {"parts without padding", test_parts_without_padding},
        {"what follows is not unseen", test_what_follows_is_not_unseen},
        {"lzma is the last", test_lzma_is_the_last},
        {"large files are passed over", test_large_files_are_passed_over},
        {"no initramfs", test_no_initramfs},
        {"a visit stops it", test_a_visit_stops_it},
        {"truncated, by programs", test_truncated_for_programs},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "initramfs image, by programs",
         .pInitFunc = workdir_open,
         .pCleanupFunc = use_library,
         .pTests = program_tests},
        {.pName = "initramfs image, by the library",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    int status = run_suites(suites);
    buffer_release(&seen);
    return status;
}
