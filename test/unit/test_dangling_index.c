#include <CUnit/Basic.h>

#include "kmod/system/dangling_index.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void run_depmod(void) {
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
}

static void remove_file(const char *path) {
    scratch_root_run("rm", scratch_root_host(&root, path), NULL);
}

/* What the index has of mine.ko and my-other.ko.xz and is gone. */
static void check(const char *expected) {
    AUTO_MODULE_TABLE struct module_table modules = {0};
    AUTO_STRLIST struct strlist gone = {0};
    CU_ASSERT_EQUAL(module_table_add(&modules, "mine.ko"), 0);
    CU_ASSERT_EQUAL(module_table_add(&modules, "my-other.ko.xz"), 0);
    module_table_sort(&modules);
    CU_ASSERT_EQUAL(dangling_index_list(&root, SMALL_KERNEL, &modules, &gone, &err), 0);
    AUTO_FREE char *text = strlist_join(&gone, " ");
    CU_ASSERT_STRING_EQUAL(text, expected);
}

static void test_no_index(void) {
    check("");
    scratch_root_write(&root, SMALL_KERNEL_DIR "/modules.dep.bin", "not an index");
    check("");
    remove_file(SMALL_KERNEL_DIR "/modules.dep.bin");
    scratch_root_run("rm", "-r", scratch_root_host(&root, SMALL_KERNEL_DIR), NULL);
    check("");
}

static void test_modules_that_are_gone(void) {
    static const char mine[] = SMALL_KERNEL_DIR "/updates/dkms/mine.ko";
    static const char other[] = SMALL_KERNEL_DIR "/extra/my-other.ko";
    small_kernel_module(&root, mine, NULL, NULL, NULL);
    small_kernel_module(&root, other, NULL, NULL, "base_call");
    run_depmod();
    check("");
    remove_file(other);
    check(other);
    remove_file(mine);
    check(SMALL_KERNEL_DIR "/updates/dkms/mine.ko " SMALL_KERNEL_DIR "/extra/my-other.ko");
    run_depmod();
    check("");
}

static void test_a_link_that_leads_nowhere(void) {
    static const char target[] = SMALL_KERNEL_DIR "/target";
    small_kernel_module(&root, target, NULL, NULL, NULL);
    scratch_root_link(&root, SMALL_KERNEL_DIR "/weak-updates/mine.ko", "../target");
    run_depmod();
    check("");
    remove_file(target);
    check(SMALL_KERNEL_DIR "/weak-updates/mine.ko");
}

/* Killed while an index was being published: the text may be new, what modprobe reads is not. */
static void test_an_index_published_in_part(void) {
    small_kernel_module(&root, SMALL_KERNEL_DIR "/extra/mine.ko", NULL, NULL, NULL);
    run_depmod();
    remove_file(SMALL_KERNEL_DIR "/extra/mine.ko");
    scratch_root_write(&root, SMALL_KERNEL_DIR "/modules.dep", "kernel/base.ko:\n");
    check(SMALL_KERNEL_DIR "/extra/mine.ko");
}

static void test_modules_of_others(void) {
    run_depmod();
    remove_file(SMALL_KERNEL_DIR "/kernel/base.ko");
    check("");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no index", test_no_index},
        {"modules that are gone", test_modules_that_are_gone},
        {"a link that leads nowhere", test_a_link_that_leads_nowhere},
        {"an index published in part", test_an_index_published_in_part},
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
    return run_suites(suites);
}
