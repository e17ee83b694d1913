#include "kmod/module/module_file.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/module/signature.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static const enum compression formats[] = {COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_XZ,
                                           COMPRESSION_ZSTD};
static struct buffer module;        /* unsigned */
static struct buffer signed_module; /* the same, signed */

static int sign_module(void) {
    const struct signing_key_source source = {.key = workdir_path("key.pem"),
                                              .certificate = workdir_path("cert.pem")};
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    int rc = signing_key_load(&source, &key, NULL);
    rc = rc ? rc : buffer_append(&signed_module, module.data, module.size);
    return rc ? rc : signature_append(&signed_module, key, "sha256", NULL);
}

static int open_suite(void) {
    if (workdir_open() || !workdir_module("module.ko", "6.1.0-1 SMP ") ||
        !workdir_read("module.ko", &module) ||
        !workdir_run("openssl", "req", "-new", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj",
                     "/CN=Module file", "-keyout", "key.pem", "-out", "cert.pem", NULL))
        return 1;
    return sign_module();
}

static int close_suite(void) {
    buffer_release(&module);
    buffer_release(&signed_module);
    return workdir_close();
}

static bool write_packed(const char *name, enum compression format, const struct buffer *content) {
    AUTO_BUFFER struct buffer packed = {0};
    return !compression_pack(format, content->data, content->size, &packed, NULL) &&
           workdir_write(name, packed.data, packed.size);
}

/* True when reading fails with `kind` and a sentence that names the file and says `with`. */
static bool read_fails(const char *name, enum error_kind kind, const char *with) {
    AUTO_MODULE_FILE struct module_file file = {0};
    struct error err = {0};
    int rc = module_file_read(workdir_path(name), &file, &err);
    if (rc && err.kind == kind && strstr(err.text, name) && strstr(err.text, with) && !file.name)
        return true;
    fprintf(stderr, "%s: expected \"%s\", got %d: %s\n", name, with, rc, err.text);
    return false;
}

static bool reads_as(const char *name, enum compression format, const struct buffer *content) {
    AUTO_MODULE_FILE struct module_file file = {0};
    struct error err = {0};
    if (module_file_read(workdir_path(name), &file, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    return file.compression == format && file.content.size == content->size &&
           !memcmp(file.content.data, content->data, content->size) &&
           file.elf_size == module.size && !strcmp(file.name, workdir_path(name));
}

static void test_every_format(void) {
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        CU_ASSERT_TRUE(write_packed("plain", formats[f], &module));
        CU_ASSERT_TRUE(reads_as("plain", formats[f], &module));
        CU_ASSERT_TRUE(write_packed("signed", formats[f], &signed_module));
        CU_ASSERT_TRUE(reads_as("signed", formats[f], &signed_module));
    }
}

static void test_descriptor(void) {
    AUTO_CLOSE int fd = open(workdir_path("module.ko"), O_RDONLY | O_CLOEXEC);
    AUTO_MODULE_FILE struct module_file file = {0};
    CU_ASSERT_EQUAL(lseek(fd, 100, SEEK_SET), 100); /* read from the start all the same */
    CU_ASSERT_EQUAL_FATAL(module_file_read_fd(fd, "a name", &file, NULL), 0);
    CU_ASSERT_EQUAL(file.content.size, module.size);
    CU_ASSERT_STRING_EQUAL(file.name, "a name");
}

static void test_links(void) {
    CU_ASSERT_EQUAL(symlink("module.ko", workdir_path("link.ko")), 0);
    CU_ASSERT_TRUE(reads_as("link.ko", COMPRESSION_NONE, &module));
    CU_ASSERT_EQUAL(symlink("nowhere", workdir_path("dangling.ko")), 0);
    CU_ASSERT_TRUE(read_fails("dangling.ko", ERROR_INTERNAL, "No such file"));
}

static void test_not_a_module(void) {
    CU_ASSERT_TRUE(workdir_write("empty", "", 0));
    CU_ASSERT_TRUE(workdir_write("short", "\177EL", 3));
    CU_ASSERT_TRUE(workdir_write("text", "#!/bin/sh\n", 10));
    CU_ASSERT_TRUE(write_packed("text.gz", COMPRESSION_GZIP,
                                &(struct buffer){.data = (uint8_t *)"hello", .size = 5}));
    CU_ASSERT_TRUE(write_packed("empty.xz", COMPRESSION_XZ, &(struct buffer){0}));
    CU_ASSERT_TRUE(workdir_run("truncate", "-s", "513M", "large", NULL));
    CU_ASSERT_EQUAL(mkfifo(workdir_path("fifo"), 0600), 0);
    CU_ASSERT_TRUE(read_fails("empty", ERROR_DAMAGED, "is empty"));
    CU_ASSERT_TRUE(read_fails("short", ERROR_DAMAGED, "no ELF"));
    CU_ASSERT_TRUE(read_fails("text", ERROR_DAMAGED, "no ELF"));
    CU_ASSERT_TRUE(read_fails("text.gz", ERROR_DAMAGED, "no ELF"));
    CU_ASSERT_TRUE(read_fails("empty.xz", ERROR_DAMAGED, "no ELF"));
    CU_ASSERT_TRUE(read_fails("large", ERROR_DAMAGED, "larger than"));
    CU_ASSERT_TRUE(read_fails("fifo", ERROR_DAMAGED, "not a regular file"));
    CU_ASSERT_TRUE(read_fails(".", ERROR_DAMAGED, "not a regular file"));
    CU_ASSERT_TRUE(read_fails("missing", ERROR_INTERNAL, "No such file"));
}

/* The sentence about a bad trailer names the file. */
static void test_bad_trailer(void) {
    AUTO_BUFFER struct buffer bad = {0};
    CU_ASSERT_EQUAL(buffer_append(&bad, signed_module.data, signed_module.size), 0);
    bad.data[bad.size - 32] = 0xff; /* the top byte of the signature's length */
    CU_ASSERT_TRUE(workdir_write("bad-trailer", bad.data, bad.size));
    CU_ASSERT_TRUE(read_fails("bad-trailer", ERROR_DAMAGED, "impossible length"));
}

static int read_bytes(const uint8_t *data, size_t size, struct error *err) {
    AUTO_MODULE_FILE struct module_file file = {0};
    if (!workdir_write("bytes", data, size))
        return -EIO;
    int rc = module_file_read(workdir_path("bytes"), &file, err);
    if (!rc && (file.elf_size > file.content.size || !file.content.data))
        return -EIO;
    return rc;
}

/* A packed module is whole or damaged. A plain one has no end of its own: that is for the reader
 * of the ELF object to find. */
static void test_truncated(void) {
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        AUTO_BUFFER struct buffer packed = {0};
        CU_ASSERT_EQUAL(
            compression_pack(formats[f], signed_module.data, signed_module.size, &packed, NULL), 0);
        for (size_t size = 0; size < packed.size; size += size < 100 ? 1 : 1 + packed.size / 300) {
            struct error err = {0};
            int rc = read_bytes(packed.data, size, &err);
            bool may_be_read = formats[f] == COMPRESSION_NONE && size >= 4;
            CU_ASSERT_TRUE(rc ? err.kind == ERROR_DAMAGED : may_be_read);
        }
    }
}

static void test_flipped_bytes(void) {
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        AUTO_BUFFER struct buffer packed = {0};
        CU_ASSERT_EQUAL(
            compression_pack(formats[f], signed_module.data, signed_module.size, &packed, NULL), 0);
        for (unsigned i = 0; i < 1500; i++) {
            /* Every second one at the ends, where the headers and the trailer are. */
            size_t at = workdir_random() % (i % 2 ? packed.size : 64);
            at = i % 4 == 2 ? packed.size - 1 - at : at;
            uint8_t mask = (uint8_t)(1 + workdir_random() % 255);
            struct error err = {0};
            packed.data[at] ^= mask;
            int rc = read_bytes(packed.data, packed.size, &err);
            CU_ASSERT_TRUE(rc == 0 || err.kind == ERROR_DAMAGED);
            packed.data[at] ^= mask;
        }
        struct error err = {0};
        CU_ASSERT_EQUAL(read_bytes(packed.data, packed.size, &err), 0);
    }
}

static CU_TestInfo tests[] = {
    {"every format, signed and not", test_every_format},
    {"from a descriptor", test_descriptor},
    {"through links", test_links},
    {"what is no module", test_not_a_module},
    {"a trailer with an impossible length", test_bad_trailer},
    {"truncated at many points", test_truncated},
    {"random bytes changed", test_flipped_bytes},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "module_file",
         .pInitFunc = open_suite,
         .pCleanupFunc = close_suite,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
