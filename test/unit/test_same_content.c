#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "kmod/system/same_content.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define LARGE (64 * 1024 + 1)

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void write_large(const char *path, size_t size, size_t changed) {
    AUTO_FREE char *bytes = malloc(size);
    memset(bytes, 'a', size);
    if (changed < size)
        bytes[changed] = 'b';
    scratch_root_write_bytes(&root, path, bytes, size);
}

static bool are_same(const char *one, const char *other) {
    AUTO_CLOSE int folder = -1;
    bool same = false;
    CU_ASSERT_EQUAL_FATAL(root_open_dir(&root, "/", &folder, &err), 0);
    CU_ASSERT_EQUAL(same_content(folder, one, folder, other, &same, &err), 0);
    return same;
}

static void test_small_files(void) {
    scratch_root_write(&root, "/a", "text");
    scratch_root_write(&root, "/b", "text");
    scratch_root_write(&root, "/c", "texT");
    scratch_root_write(&root, "/longer", "text ");
    scratch_root_write(&root, "/empty", "");
    scratch_root_write(&root, "/void", "");
    CU_ASSERT_TRUE(are_same("a", "b"));
    CU_ASSERT_FALSE(are_same("a", "c"));
    CU_ASSERT_FALSE(are_same("a", "longer"));
    CU_ASSERT_FALSE(are_same("a", "empty"));
    CU_ASSERT_TRUE(are_same("empty", "void"));
}

static void test_larger_than_a_block(void) {
    static const size_t sizes[] = {LARGE - 2, LARGE - 1, LARGE, 3 * LARGE};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        write_large("/a", sizes[i], sizes[i]);
        write_large("/b", sizes[i], sizes[i]);
        write_large("/last", sizes[i], sizes[i] - 1);
        write_large("/first", sizes[i], 0);
        CU_ASSERT_TRUE(are_same("a", "b"));
        CU_ASSERT_FALSE(are_same("a", "last"));
        CU_ASSERT_FALSE(are_same("first", "a"));
    }
}

static void test_only_regular_files(void) {
    scratch_root_write(&root, "/a", "text");
    scratch_root_link(&root, "/link", "a");
    scratch_root_dir(&root, "/folder");
    scratch_root_run("mkfifo", scratch_root_host(&root, "/fifo"), NULL);
    CU_ASSERT_FALSE(are_same("a", "link"));
    CU_ASSERT_FALSE(are_same("link", "link"));
    CU_ASSERT_FALSE(are_same("a", "folder"));
    CU_ASSERT_FALSE(are_same("fifo", "a"));
    CU_ASSERT_FALSE(are_same("a", "absent"));
    CU_ASSERT_FALSE(are_same("absent", "absent"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"small files", test_small_files},
        {"larger than a block", test_larger_than_a_block},
        {"only regular files", test_only_regular_files},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "same content",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
