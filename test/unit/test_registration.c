#include "kmod/lifecycle/registration.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/system/dkms_tree.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define REGISTRATION DKMS_TREE "/ours/1.0"
#define BUILT REGISTRATION "/" SMALL_KERNEL "/x86_64/module"

static struct root root = ROOT_INIT;
static struct facts facts;

static char *copy(const char *text) {
    char *copied = strdup(text);
    if (!copied)
        abort();
    return copied;
}

static void set_up(void) {
    scratch_root_make(&root);
    small_kernel_make(&root);
    facts = (struct facts){0};
    facts.dkms.name = copy("ours");
    facts.dkms.version = copy("1.0");
    facts.dkms.machine = copy("x86_64");
    CU_ASSERT_EQUAL(strlist_add(&facts.dkms.kernels, SMALL_KERNEL), 0);
}

static void tear_down(void) {
    facts_release(&facts);
    scratch_root_remove(&root);
}

static void remove_path(const char *path) {
    scratch_root_run("rm", "-r", scratch_root_host(&root, path), NULL);
}

static bool present(void) {
    return registration_present(&root, &facts);
}

static void test_built_and_installed_is_present(void) {
    CU_ASSERT_FALSE(present());
    scratch_root_link(&root, REGISTRATION "/source", "/usr/src/ours-1.0");
    CU_ASSERT_FALSE(present()); /* only added */
    scratch_root_write(&root, BUILT "/ours.ko", "");
    CU_ASSERT_TRUE(present());
    scratch_root_link(&root, DKMS_TREE "/ours/kernel-" SMALL_KERNEL "-x86_64",
                      "1.0/" SMALL_KERNEL "/x86_64");
    CU_ASSERT_TRUE(present());
    remove_path(BUILT);
    CU_ASSERT_FALSE(present());
}

static void test_only_our_own_is_present(void) {
    scratch_root_link(&root, REGISTRATION "/source", "/usr/src/ours-1.0");
    scratch_root_write(&root, BUILT "/ours.ko", "");
    strcpy(facts.dkms.version, "2.0");
    CU_ASSERT_FALSE(present());
    strcpy(facts.dkms.version, "1.0");
    strcpy(facts.dkms.machine, "arm64");
    CU_ASSERT_FALSE(present());
    strcpy(facts.dkms.machine, "x86_64");
    CU_ASSERT_TRUE(present());
    facts.dkms.name[0] = '\0';
    CU_ASSERT_FALSE(present());
}

int main(void) {
    CU_TestInfo tests[] = {
        {"built and installed is present", test_built_and_installed_is_present},
        {"only our own is present", test_only_our_own_is_present},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "registration",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
