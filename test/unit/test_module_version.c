#include "kmod/system/module_version.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/legacy_module.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static bool has(const char *path, const char *expected) {
    struct error err = {0};
    AUTO_FREE char *version = NULL;
    return module_version_read(&root, path, &version, &err) == 0 && !strcmp(version, expected);
}

static void test_plain(void) {
    legacy_module_make(&root, "/a/nvidia.ko", "580.126.09", NULL);
    legacy_module_make(&root, "/b/nvidia.ko", "550.163.01", NULL);
    legacy_module_make(&root, "/c/nvidia.ko", NULL, NULL);
    /* One name, three files: each tells its own. */
    CU_ASSERT(has("/a/nvidia.ko", "580.126.09"));
    CU_ASSERT(has("/b/nvidia.ko", "550.163.01"));
    CU_ASSERT(has("/c/nvidia.ko", ""));
    CU_ASSERT(has("/a/nvidia.ko", "580.126.09"));
}

static void test_compressed(void) {
    legacy_module_make(&root, "/xz/nvidia.ko", "580.126.09", NULL);
    legacy_module_make(&root, "/zstd/nvidia.ko", "580.126.09", NULL);
    scratch_root_run("xz", "--check=crc32", scratch_root_host(&root, "/xz/nvidia.ko"), NULL);
    scratch_root_run("zstd", "-q", "--rm", scratch_root_host(&root, "/zstd/nvidia.ko"), NULL);
    CU_ASSERT(has("/xz/nvidia.ko.xz", "580.126.09"));
    CU_ASSERT(has("/zstd/nvidia.ko.zst", "580.126.09"));
}

static void test_no_module(void) {
    scratch_root_write(&root, "/text.ko", "not a module");
    scratch_root_write(&root, "/empty.ko", "");
    scratch_root_write(&root, "/cut.ko.xz",
                       "\xfd"
                       "7zXZ\0");
    CU_ASSERT(has("/text.ko", ""));
    CU_ASSERT(has("/empty.ko", ""));
    CU_ASSERT(has("/cut.ko.xz", ""));
}

static void test_missing(void) {
    struct error err = {0};
    char *version = NULL;
    CU_ASSERT_EQUAL(module_version_read(&root, "/gone.ko", &version, &err), -ENOENT);
    CU_ASSERT_PTR_NULL(version);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/gone.ko"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a plain module's version", test_plain},
        {"a compressed module's", test_compressed},
        {"files that are no modules", test_no_module},
        {"a missing file", test_missing},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "module_version",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
