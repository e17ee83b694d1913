#include "kmod/module/name_space.h"

#include <CUnit/Basic.h>

#include "test/unit/run_suites.h"

static const char text[] = "import_ns=DMA_BUF\0import_ns=CXL";
static const struct modinfo importing = {.text = text, .size = sizeof(text)};

static void test_imported(void) {
    CU_ASSERT_TRUE(name_space_is_open("", "m", &importing));
    CU_ASSERT_TRUE(name_space_is_open("DMA_BUF", "m", &importing));
    CU_ASSERT_TRUE(name_space_is_open("CXL", "m", &importing));
    CU_ASSERT_FALSE(name_space_is_open("DMA", "m", &importing));
    CU_ASSERT_FALSE(name_space_is_open("DMA_BUF2", "m", &importing));
    const struct modinfo none = {.text = NULL};
    CU_ASSERT_TRUE(name_space_is_open("", "m", &none));
    CU_ASSERT_FALSE(name_space_is_open("CXL", "m", &none));
}

static void test_list(void) {
    CU_ASSERT_TRUE(name_space_is_list("module:kvm"));
    CU_ASSERT_FALSE(name_space_is_list("modules"));
    CU_ASSERT_TRUE(name_space_is_open("module:kvm", "kvm", &importing));
    CU_ASSERT_FALSE(name_space_is_open("module:kvm", "kvm_intel", &importing));
    CU_ASSERT_FALSE(name_space_is_open("module:kvm_intel", "kvm", &importing));
    CU_ASSERT_TRUE(name_space_is_open("module:a,kvm-intel,b", "kvm_intel", &importing));
    CU_ASSERT_TRUE(name_space_is_open("module:a,kvm*", "kvm_amd", &importing));
    CU_ASSERT_FALSE(name_space_is_open("module:a,kvm*", "kv", &importing));
    CU_ASSERT_FALSE(name_space_is_open("module:", "kvm", &importing));
    CU_ASSERT_TRUE(name_space_is_open("module:*", "kvm", &importing));
}

static void test_list_is_not_imported(void) {
    static const char sly[] = "import_ns=module:kvm";
    const struct modinfo modinfo = {.text = sly, .size = sizeof(sly)};
    CU_ASSERT_FALSE(name_space_is_open("module:kvm", "other", &modinfo));
}

static CU_TestInfo tests[] = {
    {"imported by name", test_imported},
    {"exported to a list of modules", test_list},
    {"importing a list changes nothing", test_list_is_not_imported},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "name space", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
