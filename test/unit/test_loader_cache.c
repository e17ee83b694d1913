#include "kmod/system/loader_cache.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "test/unit/scratch_root.h"

#define FOLDER "/opt/driver/lib"
#define LIBRARY FOLDER "/libdriver.so.580.126.09"
#define RECORD "/var/cache/ldconfig/aux-cache"

static struct root root;

static void set_up(void) {
    static const char *const arguments[] = {"-shared", "-fPIC", "-Wl,-soname,libdriver.so.1", NULL};
    scratch_root_make(&root);
    scratch_root_dir(&root, "/lib");
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_dir(&root, FOLDER);
    scratch_root_compile(&root, LIBRARY, "int answer(void) { return 42; }", arguments);
    scratch_root_link(&root, FOLDER "/libdriver.so.1", "libdriver.so.580.126.09");
    scratch_root_write(&root, "/etc/ld.so.conf", FOLDER "\n");
    scratch_root_dir(&root, "/var/cache/ldconfig");
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static bool names_library(void) {
    AUTO_BUFFER struct buffer cache = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(file_read(&root, LOADER_CACHE, 1 << 20, &cache, &err), 0);
    return cache.size > 0 && memmem(cache.data, cache.size, FOLDER, strlen(FOLDER));
}

static void test_follows_the_tree(void) {
    struct error err = {0};
    scratch_root_write(&root, LOADER_CACHE, "old");
    CU_ASSERT_EQUAL(loader_cache_refresh(&root, &err), 0);
    CU_ASSERT(names_library());
    scratch_root_run("rm", "-r", scratch_root_host(&root, FOLDER), NULL);
    CU_ASSERT_EQUAL(loader_cache_refresh(&root, &err), 0);
    CU_ASSERT_FALSE(names_library());
}

/* Links are files: they are made or removed by whoever owns them. */
static void test_makes_no_links(void) {
    struct error err = {0};
    scratch_root_write(&root, LOADER_CACHE, "old");
    scratch_root_run("rm", scratch_root_host(&root, FOLDER "/libdriver.so.1"), NULL);
    CU_ASSERT_EQUAL(loader_cache_refresh(&root, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, FOLDER "/libdriver.so.1"));
}

static void test_makes_nothing_new(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(loader_cache_refresh(&root, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, LOADER_CACHE));
    scratch_root_write(&root, LOADER_CACHE, "old");
    CU_ASSERT_EQUAL(loader_cache_refresh(&root, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, RECORD));
    scratch_root_write(&root, RECORD, "old");
    CU_ASSERT_EQUAL(loader_cache_refresh(&root, &err), 0);
    CU_ASSERT(root_exists(&root, RECORD));
}

static void test_failure_is_said(void) {
    struct error err = {0};
    scratch_root_dir(&root, LOADER_CACHE);
    scratch_root_dir(&root, LOADER_CACHE "/in-the-way");
    CU_ASSERT_EQUAL(loader_cache_refresh(&root, &err), -EIO);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "ld.so.cache"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the cache follows the tree", test_follows_the_tree},
        {"no links are made", test_makes_no_links},
        {"no file that was not there", test_makes_nothing_new},
        {"a failure is said", test_failure_is_said},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "loader_cache",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() || CU_register_suites(suites))
        return 99;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    bool failed = CU_get_number_of_failures() > 0 || CU_get_error() != CUE_SUCCESS;
    CU_cleanup_registry();
    return failed;
}
