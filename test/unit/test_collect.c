#include "toolchain/collect.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/* /build is the build's, /out is where modules are collected. */
static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    scratch_root_write(&root, "/secret", "root's");
    scratch_root_write(&root, "/build/good.ko", "module");
    scratch_root_write(&root, "/build/sub/deep.ko", "deep");
    scratch_root_dir(&root, "/out");
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static int collect(const char *path, const char *to, struct error *err) {
    AUTO_CLOSE int dir = open(scratch_root_host(&root, "/build"), O_RDONLY | O_CLOEXEC);
    return collect_file(dir, path, scratch_root_host(&root, to), err);
}

static bool holds(const char *path, const char *text) {
    AUTO_BUFFER struct buffer content = {0};
    return file_read(&root, path, 1 << 20, &content, NULL) == 0 &&
           !strcmp(buffer_string(&content), text);
}

static void test_a_module_is_copied(void) {
    struct error err = {0};
    struct stat st;
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, "/build/good.ko"), 1234, 1234), 0);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/build/good.ko"), 06777), 0);
    CU_ASSERT_EQUAL(collect("good.ko", "/out/good.ko", &err), 0);
    CU_ASSERT_TRUE(holds("/out/good.ko", "module"));
    CU_ASSERT_EQUAL(root_stat(&root, "/out/good.ko", &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
    CU_ASSERT_EQUAL(st.st_uid + st.st_gid, 0);
    CU_ASSERT_EQUAL(collect("sub/deep.ko", "/out/deep.ko", &err), 0);
    CU_ASSERT_EQUAL(collect("./sub/deep.ko", "/out/deep2.ko", &err), 0);
    CU_ASSERT_TRUE(holds("/out/deep2.ko", "deep"));
}

static void expect_refusal(const char *path, const char *said) {
    struct error err = {0};
    CU_ASSERT_NOT_EQUAL(collect(path, "/out/refused.ko", &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_BUILD);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, said));
    CU_ASSERT_FALSE(root_exists(&root, "/out/refused.ko"));
}

static void test_links_are_refused(void) {
    scratch_root_link(&root, "/build/link.ko", "../secret");
    expect_refusal("link.ko", "link");
    scratch_root_link(&root, "/build/dir", "sub");
    expect_refusal("dir/deep.ko", "link");
    expect_refusal("../secret", "link");
    CU_ASSERT_EQUAL(
        link(scratch_root_host(&root, "/secret"), scratch_root_host(&root, "/build/hard.ko")), 0);
    expect_refusal("hard.ko", "more than one link");
}

static void test_only_regular_files_are_taken(void) {
    CU_ASSERT_EQUAL(mkfifo(scratch_root_host(&root, "/build/fifo.ko"), 0666), 0);
    expect_refusal("fifo.ko", "not a regular file");
    scratch_root_dir(&root, "/build/dir.ko");
    expect_refusal("dir.ko", "not a regular file");
    CU_ASSERT_EQUAL(mknod(scratch_root_host(&root, "/build/zero.ko"), S_IFCHR | 0666, 0x105), 0);
    expect_refusal("zero.ko", "not a regular file");
}

static void test_the_size_is_bounded(void) {
    const char *path = scratch_root_host(&root, "/build/huge.ko");
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CU_ASSERT_EQUAL(ftruncate(fd, COLLECT_SIZE_MAX + 1), 0);
    expect_refusal("huge.ko", "512 MiB");
}

static void test_a_missing_one_is_named(void) {
    expect_refusal("none.ko", "did not make");
}

static void test_nothing_is_overwritten(void) {
    struct error err = {0};
    scratch_root_write(&root, "/out/there.ko", "old");
    CU_ASSERT_EQUAL(collect("good.ko", "/out/there.ko", &err), -EEXIST);
    CU_ASSERT_TRUE(holds("/out/there.ko", "old"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a module is copied", test_a_module_is_copied},
        {"links are refused", test_links_are_refused},
        {"only regular files are taken", test_only_regular_files_are_taken},
        {"the size is bounded", test_the_size_is_bounded},
        {"a missing one is named", test_a_missing_one_is_named},
        {"nothing is overwritten", test_nothing_is_overwritten},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "collect", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
