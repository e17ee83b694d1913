#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/trusted_file.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static const char *file;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_write(&root, "/var/state", "text\n");
    file = scratch_root_host(&root, "/var/state");
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static int read_it(struct error *err) {
    AUTO_BUFFER struct buffer out = {0};
    *err = (struct error){0};
    return trusted_file_read(&root, "/var/state", 16, &out, err);
}

static void check_refused(const char *fact) {
    struct error err;
    CU_ASSERT_NOT_EQUAL(read_it(&err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    if (!strstr(err.text, fact))
        CU_FAIL("the sentence does not name the fact");
}

static void test_a_plain_file_of_root_is_read(void) {
    AUTO_BUFFER struct buffer out = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(trusted_file_read(&root, "/var/state", 16, &out, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&out), "text\n");
}

static void test_a_missing_file_is_silent(void) {
    struct error err;
    unlink(file);
    CU_ASSERT_EQUAL(read_it(&err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    scratch_root_run("rm", "-rf", scratch_root_host(&root, "/var"), NULL);
    CU_ASSERT_EQUAL(read_it(&err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

static void test_another_owner_is_refused(void) {
    CU_ASSERT_EQUAL(chown(file, 65534, 0), 0);
    check_refused("not owned by root");
}

static void test_writable_by_others_is_refused(void) {
    chmod(file, 0664);
    check_refused("writable by group or others");
    chmod(file, 0646);
    check_refused("writable by group or others");
}

static void test_a_hard_link_is_refused(void) {
    CU_ASSERT_EQUAL(link(file, scratch_root_host(&root, "/elsewhere")), 0);
    check_refused("more than one hard link");
}

static void test_a_symbolic_link_is_refused(void) {
    scratch_root_write(&root, "/var/real", "text\n");
    unlink(file);
    scratch_root_link(&root, "/var/state", "real");
    check_refused("symbolic link");
}

static void test_what_is_no_regular_file_is_refused(void) {
    unlink(file);
    CU_ASSERT_EQUAL(mkfifo(file, 0600), 0); /* must not hang either */
    check_refused("not a regular file");
    unlink(file);
    CU_ASSERT_EQUAL(mkdir(file, 0700), 0);
    check_refused("not a regular file");
}

static void test_too_large_is_refused(void) {
    scratch_root_write(&root, "/var/state", "0123456789abcdef");
    struct error err;
    CU_ASSERT_EQUAL(read_it(&err), 0);
    scratch_root_write(&root, "/var/state", "0123456789abcdefg");
    check_refused("larger than 16 bytes");
}

static void test_a_folder_that_others_write_is_refused(void) {
    chmod(scratch_root_host(&root, "/var"), 0777);
    check_refused("writable by others");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a plain file of root is read", test_a_plain_file_of_root_is_read},
        {"a missing file is silent", test_a_missing_file_is_silent},
        {"another owner is refused", test_another_owner_is_refused},
        {"writable by others is refused", test_writable_by_others_is_refused},
        {"a hard link is refused", test_a_hard_link_is_refused},
        {"a symbolic link is refused", test_a_symbolic_link_is_refused},
        {"what is no regular file is refused", test_what_is_no_regular_file_is_refused},
        {"too large is refused", test_too_large_is_refused},
        {"a folder that others write is refused", test_a_folder_that_others_write_is_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "trusted_file",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
