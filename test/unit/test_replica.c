#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/buffer.h"
#include "base/file.h"
#include "kmod/system/replica.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct error err;
static int folder = -1;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_write(&root, "/original", "content");
    CU_ASSERT_EQUAL(root_open_dir(&root, "/", &folder, &err), 0);
}

static void tear_down(void) {
    close(folder);
    scratch_root_remove(&root);
}

static void compare(void) {
    struct stat before, after;
    CU_ASSERT_EQUAL(fstatat(folder, "original", &before, AT_SYMLINK_NOFOLLOW), 0);
    CU_ASSERT_EQUAL(fstatat(folder, "copy", &after, AT_SYMLINK_NOFOLLOW), 0);
    CU_ASSERT_NOT_EQUAL(after.st_ino, before.st_ino);
    CU_ASSERT_EQUAL(after.st_mode, before.st_mode);
    CU_ASSERT_EQUAL(after.st_uid, before.st_uid);
    CU_ASSERT_EQUAL(after.st_gid, before.st_gid);
    CU_ASSERT_EQUAL(after.st_size, before.st_size);
    CU_ASSERT_EQUAL(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    CU_ASSERT_EQUAL(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

static const struct timespec OLD[2] = {{.tv_sec = 1000000000, .tv_nsec = 123456789},
                                       {.tv_sec = 1100000000, .tv_nsec = 987654321}};

static void test_a_file(void) {
    const char *original = scratch_root_host(&root, "/original");
    CU_ASSERT_EQUAL(chown(original, 12, 34), 0);
    CU_ASSERT_EQUAL(chmod(original, 06751), 0);
    CU_ASSERT_EQUAL(setxattr(original, "user.test", "a\0b", 3, 0), 0);
    CU_ASSERT_EQUAL(setxattr(original, "trusted.empty", "", 0, 0), 0);
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, original, OLD, 0), 0);
    CU_ASSERT_EQUAL(replica_make(folder, "original", folder, "copy", &err), 0);
    compare();
    const char *copy = scratch_root_host(&root, "/copy");
    char value[8] = "";
    CU_ASSERT_EQUAL(getxattr(copy, "user.test", value, sizeof value), 3);
    CU_ASSERT_EQUAL(memcmp(value, "a\0b", 3), 0);
    CU_ASSERT_EQUAL(getxattr(copy, "trusted.empty", value, sizeof value), 0);
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(file_read(&root, "/copy", 100, &content, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&content), "content");
}

static void test_an_inert_copy(void) {
    const char *original = scratch_root_host(&root, "/original");
    /* A file capability as setcap(8) writes it: revision 2, effective, CAP_SYS_ADMIN permitted. */
    static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0, 32};
    CU_ASSERT_EQUAL(setxattr(original, "user.test", "kept", 4, 0), 0);
    CU_ASSERT_EQUAL(setxattr(original, "security.capability", capability, sizeof capability, 0), 0);
    CU_ASSERT_EQUAL(chmod(original, 06755), 0);
    CU_ASSERT_EQUAL(replica_make_inert(folder, "original", folder, "copy", &err), 0);
    const char *copy = scratch_root_host(&root, "/copy");
    struct stat st;
    char value[32];
    CU_ASSERT_EQUAL(stat(copy, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0755);
    CU_ASSERT_EQUAL(getxattr(copy, "security.capability", value, sizeof value), -1);
    CU_ASSERT_EQUAL(getxattr(copy, "user.test", value, sizeof value), 4);
}

static void test_a_link(void) {
    CU_ASSERT_EQUAL(unlinkat(folder, "original", 0), 0);
    CU_ASSERT_EQUAL(symlinkat("/no where", folder, "original"), 0);
    CU_ASSERT_EQUAL(fchownat(folder, "original", 12, 34, AT_SYMLINK_NOFOLLOW), 0);
    CU_ASSERT_EQUAL(utimensat(folder, "original", OLD, AT_SYMLINK_NOFOLLOW), 0);
    CU_ASSERT_EQUAL(replica_make(folder, "original", folder, "copy", &err), 0);
    compare();
    AUTO_FREE char *target = NULL;
    CU_ASSERT_EQUAL(root_read_link(&root, "/copy", &target), 0);
    CU_ASSERT_STRING_EQUAL(target, "/no where");
}

static void test_nothing_is_overwritten(void) {
    scratch_root_write(&root, "/copy", "theirs");
    CU_ASSERT_EQUAL(replica_make(folder, "original", folder, "copy", &err), -EEXIST);
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(file_read(&root, "/copy", 100, &content, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&content), "theirs");
}

static void test_other_kinds_are_refused(void) {
    CU_ASSERT_EQUAL(mkfifoat(folder, "fifo", 0600), 0);
    CU_ASSERT_EQUAL(replica_make(folder, "fifo", folder, "copy", &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_FALSE(root_exists(&root, "/copy"));
    CU_ASSERT_EQUAL(replica_make(folder, "none", folder, "copy", &err), -ENOENT);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a file", test_a_file},
        {"an inert copy", test_an_inert_copy},
        {"a link", test_a_link},
        {"nothing is overwritten", test_nothing_is_overwritten},
        {"other kinds are refused", test_other_kinds_are_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "replica", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
