#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/system/dangling_index.h"
#include "test/unit/scratch_root.h"

#define K "/lib/modules/6.1"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static bool is_dangling(const char *index) {
    AUTO_MODULE_TABLE struct module_table modules = {0};
    AUTO_STRLIST struct strlist gone = {0};
    CU_ASSERT_EQUAL(module_table_add(&modules, "mine.ko"), 0);
    CU_ASSERT_EQUAL(module_table_add(&modules, "other.ko.xz"), 0);
    module_table_sort(&modules);
    if (index)
        scratch_root_write(&root, K "/modules.dep", index);
    CU_ASSERT_EQUAL(dangling_index_list(&root, "6.1", &modules, &gone, &err), 0);
    for (size_t i = 0; i < gone.count; i++)
        CU_ASSERT_EQUAL(strncmp(gone.items[i], K "/", strlen(K "/")), 0);
    return gone.count > 0;
}

static void test_no_index(void) {
    CU_ASSERT_FALSE(is_dangling(NULL));
    scratch_root_dir(&root, K);
    CU_ASSERT_FALSE(is_dangling(NULL));
    CU_ASSERT_FALSE(is_dangling(""));
    CU_ASSERT_FALSE(is_dangling("\n\nno colon"));
}

static void test_a_module_that_is_gone(void) {
    CU_ASSERT_TRUE(is_dangling("updates/dkms/mine.ko:\n"));
    CU_ASSERT_TRUE(is_dangling("kernel/a.ko:\nweak-updates/mine.ko.zst: kernel/a.ko"));
    CU_ASSERT_TRUE(is_dangling("mine.ko:"));
    scratch_root_write(&root, K "/updates/dkms/mine.ko", "");
    CU_ASSERT_FALSE(is_dangling("updates/dkms/mine.ko:\n"));
    CU_ASSERT_TRUE(is_dangling("updates/dkms/mine.ko:\nextra/other.ko.xz:\n"));
}

static void test_a_link_that_leads_nowhere(void) {
    scratch_root_link(&root, K "/weak-updates/mine.ko", "/lib/modules/6.0/extra/mine.ko");
    CU_ASSERT_TRUE(is_dangling("weak-updates/mine.ko:\n"));
}

static void test_modules_of_others(void) {
    CU_ASSERT_FALSE(is_dangling("kernel/gone.ko: mine.ko\nextra/mine2.ko:\n"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no index", test_no_index},
        {"a module that is gone", test_a_module_that_is_gone},
        {"a link that leads nowhere", test_a_link_that_leads_nowhere},
        {"modules of others", test_modules_of_others},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "dangling index",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 1;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    bool failed = CU_get_number_of_failures() > 0 || CU_get_number_of_suites_failed() > 0;
    CU_cleanup_registry();
    return failed;
}
