#include <CUnit/Basic.h>
#include <string.h>

#include "base/cleanup.h"
#include "kmod/system/module_name.h"
#include "kmod/system/module_table.h"
#include "test/unit/run_suites.h"

static void test_names(void) {
    CU_ASSERT_EQUAL(module_name_stem("foo.ko"), 3);
    CU_ASSERT_EQUAL(module_name_stem("foo.ko.gz"), 3);
    CU_ASSERT_EQUAL(module_name_stem("foo.ko.xz"), 3);
    CU_ASSERT_EQUAL(module_name_stem("foo.ko.zst"), 3);
    CU_ASSERT_EQUAL(module_name_stem("a.ko.ko"), 4);
    static const char *const others[] = {
        "", ".ko", ".ko.xz", "foo", "foo.ko.", "foo.ko~", "foo.ko.bz2", "foo.ko.customer-backup"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        CU_ASSERT_EQUAL(module_name_stem(others[i]), 0);
}

static void check_in_kernel(const char *path, const char *name) {
    AUTO_FREE char *found = module_name_in_kernel(path);
    CU_ASSERT_STRING_EQUAL(found, name);
}

static void test_names_in_the_kernel(void) {
    check_in_kernel("/lib/modules/6.1-x/updates/dkms/nvidia-drm.ko.xz", "nvidia_drm");
    check_in_kernel("nvidia_uvm.ko", "nvidia_uvm");
    check_in_kernel("/opt/a-b/no-module.txt", "");
}

static const char *find(const struct module_table *table, const char *file) {
    const struct module_table_entry *entry = module_table_find(table, file);
    return entry ? entry->path : "-";
}

static void test_found_by_module(void) {
    AUTO_MODULE_TABLE struct module_table table = {0};
    static const char *const paths[] = {"kernel/net/b.ko", "b1.ko.xz", "kernel/a.ko",
                                        "kernel/net/bb.ko", "c.txt"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        CU_ASSERT_EQUAL(module_table_add(&table, paths[i]), 0);
    module_table_sort(&table);
    CU_ASSERT_EQUAL(table.count, 4);
    CU_ASSERT_STRING_EQUAL(find(&table, "b.ko.zst"), "kernel/net/b.ko");
    CU_ASSERT_STRING_EQUAL(find(&table, "b1.ko"), "b1.ko.xz");
    CU_ASSERT_STRING_EQUAL(find(&table, "bb.ko"), "kernel/net/bb.ko");
    CU_ASSERT_STRING_EQUAL(find(&table, "a.ko"), "kernel/a.ko");
    CU_ASSERT_STRING_EQUAL(find(&table, "ab.ko"), "-");
    CU_ASSERT_STRING_EQUAL(find(&table, "c.txt"), "-");
    CU_ASSERT_STRING_EQUAL(find(&table, "net/a.ko"), "-");
}

static void test_empty(void) {
    struct module_table table = {0};
    module_table_sort(&table);
    CU_ASSERT_PTR_NULL(module_table_find(&table, "a.ko"));
    module_table_release(&table);
}

static void test_many(void) {
    AUTO_MODULE_TABLE struct module_table table = {0};
    char name[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "m%d.ko", (i * 7919) % 5000);
        CU_ASSERT_EQUAL(module_table_add(&table, name), 0);
    }
    module_table_sort(&table);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "m%d.ko", i);
        CU_ASSERT_STRING_EQUAL(find(&table, name), name);
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"names", test_names},
        {"names in the kernel", test_names_in_the_kernel},
        {"found by module", test_found_by_module},
        {"empty", test_empty},
        {"many", test_many},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "module table", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
