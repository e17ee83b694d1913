#include "base/digest.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

/* From FIPS 180-4's examples. */
static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void test_known_answers(void) {
    char hex[DIGEST_HEX_SIZE];
    CU_ASSERT_EQUAL(digest_bytes("", 0, hex), 0);
    CU_ASSERT_STRING_EQUAL(hex, of_nothing);
    CU_ASSERT_EQUAL(digest_bytes(NULL, 0, hex), 0);
    CU_ASSERT_STRING_EQUAL(hex, of_nothing);
    CU_ASSERT_EQUAL(digest_bytes("abc", 3, hex), 0);
    CU_ASSERT_STRING_EQUAL(hex, of_abc);
}

static void test_pieces_give_the_same(void) {
    char hex[DIGEST_HEX_SIZE];
    struct digest *digest = NULL;
    CU_ASSERT_EQUAL(digest_begin(&digest), 0);
    CU_ASSERT_EQUAL(digest_update(digest, "a", 1), 0);
    CU_ASSERT_EQUAL(digest_update(digest, NULL, 0), 0);
    CU_ASSERT_EQUAL(digest_update(digest, "bc", 2), 0);
    CU_ASSERT_EQUAL(digest_end(digest, hex), 0);
    CU_ASSERT_STRING_EQUAL(hex, of_abc);
}

static void test_abandoned_it_is_gone(void) {
    AUTO_DIGEST struct digest *digest = NULL;
    digest_abandon(&digest);
    CU_ASSERT_EQUAL(digest_begin(&digest), 0);
    digest_abandon(&digest);
    CU_ASSERT_PTR_NULL(digest);
}

/* Larger than the chunk it is read in; a real tool gives the same. */
static void test_a_file_as_sha256sum_does(void) {
    AUTO_BUFFER struct buffer noise = {0}, expected = {0};
    char hex[DIGEST_HEX_SIZE];
    struct error err = {0};
    for (unsigned i = 0; i < 100001; i++) {
        unsigned number = workdir_random();
        CU_ASSERT_EQUAL(buffer_append(&noise, &number, sizeof number), 0);
    }
    CU_ASSERT_TRUE(workdir_write("noise", noise.data, noise.size));
    CU_ASSERT_TRUE(workdir_output(&expected, "sha256sum", "noise", NULL));
    AUTO_CLOSE int fd = open(workdir_path("noise"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(digest_fd(fd, "noise", hex, &err), 0);
    CU_ASSERT_EQUAL(strncmp(hex, buffer_string(&expected), DIGEST_HEX_SIZE - 1), 0);
}

/* From the start, wherever the descriptor stands, and it stays there. */
static void test_the_offset_does_not_matter(void) {
    char hex[DIGEST_HEX_SIZE];
    struct error err = {0};
    CU_ASSERT_TRUE(workdir_write("abc", "abc", 3));
    AUTO_CLOSE int fd = open(workdir_path("abc"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(lseek(fd, 2, SEEK_SET), 2);
    CU_ASSERT_EQUAL(digest_fd(fd, "abc", hex, &err), 0);
    CU_ASSERT_STRING_EQUAL(hex, of_abc);
    CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_CUR), 2);
}

static void test_what_cannot_be_read_is_named(void) {
    char hex[DIGEST_HEX_SIZE];
    struct error err = {0};
    AUTO_CLOSE int folder = open(workdir_path("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_EQUAL(digest_fd(folder, "some/folder", hex, &err), -EISDIR);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "some/folder"));
    CU_ASSERT_EQUAL(digest_fd(-1, "x", hex, &err), -EBADF);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"known answers", test_known_answers},
        {"pieces give the same", test_pieces_give_the_same},
        {"abandoned it is gone", test_abandoned_it_is_gone},
        {"a file as sha256sum does", test_a_file_as_sha256sum_does},
        {"the offset does not matter", test_the_offset_does_not_matter},
        {"what cannot be read is named", test_what_cannot_be_read_is_named},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "digest",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
