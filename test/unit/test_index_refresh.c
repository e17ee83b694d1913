#include "kmod/system/index_refresh.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define STORE "/var/lib/prebake/store"

static struct root root = ROOT_INIT;
static struct error err;
static struct strlist kernels;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
    scratch_root_dir(&root, STORE);
}

static void tear_down(void) {
    strlist_release(&kernels);
    scratch_root_remove(&root);
}

/* The small kernel again, under other names. */
static void make_others(int count) {
    for (int i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/lib/modules/6.99.%d-other", i);
        scratch_root_run("cp", "-a", scratch_root_host(&root, SMALL_KERNEL_DIR),
                         scratch_root_host(&root, path), NULL);
    }
}

static void add(const char *kernel) {
    CU_ASSERT_EQUAL(strlist_add(&kernels, kernel), 0);
}

static bool is_refreshed(const char *kernel) {
    char path[64];
    snprintf(path, sizeof path, "/lib/modules/%s/modules.dep.bin", kernel);
    return root_exists(&root, path);
}

static void check_store_is_empty(void) {
    AUTO_STRLIST struct strlist names = {0};
    CU_ASSERT_EQUAL(root_list(&root, STORE, &names, &err), 0);
    CU_ASSERT_EQUAL(names.count, 0);
}

static void test_many_kernels(void) {
    make_others(12);
    for (int i = 0; i < 12; i++) {
        char kernel[32];
        snprintf(kernel, sizeof kernel, "6.99.%d-other", i);
        add(kernel);
    }
    add(SMALL_KERNEL);
    CU_ASSERT_EQUAL(index_refresh(&root, &kernels, STORE, NULL, &err), 0);
    for (size_t i = 0; i < kernels.count; i++)
        CU_ASSERT_TRUE(is_refreshed(kernels.items[i]));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    check_store_is_empty();
}

static void test_none(void) {
    CU_ASSERT_EQUAL(index_refresh(&root, &kernels, STORE, NULL, &err), 0);
    check_store_is_empty();
}

/* The first failure is told, in their order; the others are done. */
static void test_one_that_fails(void) {
    make_others(2);
    add("6.99.0-other");
    add("../first");
    add(SMALL_KERNEL);
    add("../second");
    add("6.99.9-gone");
    add("6.99.1-other");
    CU_ASSERT_EQUAL(index_refresh(&root, &kernels, STORE, NULL, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "../first"));
    CU_ASSERT_TRUE(is_refreshed("6.99.0-other"));
    CU_ASSERT_TRUE(is_refreshed(SMALL_KERNEL));
    CU_ASSERT_TRUE(is_refreshed("6.99.1-other"));
    CU_ASSERT_FALSE(root_exists(&root, "/lib/modules/6.99.9-gone"));
    check_store_is_empty();
}

int main(void) {
    CU_TestInfo tests[] = {
        {"many kernels", test_many_kernels},
        {"none", test_none},
        {"one that fails", test_one_that_fails},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "index refresh",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
