#include <CUnit/Basic.h>

#include "kmod/system/module_folder.h"
#include "test/unit/run_suites.h"
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

static void test_up_to_the_kernels_folder(void) {
    scratch_root_dir(&root, K "/updates/dkms");
    CU_ASSERT_EQUAL(module_folder_prune(&root, K "/updates/dkms", &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, K "/updates"));
    CU_ASSERT_TRUE(root_exists(&root, K));
}

static void test_as_far_as_empty(void) {
    scratch_root_dir(&root, K "/updates/dkms");
    scratch_root_write(&root, K "/updates/other.ko", "");
    CU_ASSERT_EQUAL(module_folder_prune_above(&root, K "/updates/dkms/gone.ko", &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, K "/updates/dkms"));
    CU_ASSERT_TRUE(root_exists(&root, K "/updates/other.ko"));
    CU_ASSERT_EQUAL(module_folder_prune(&root, K "/updates", &err), 0);
    CU_ASSERT_TRUE(root_exists(&root, K "/updates/other.ko"));
}

/* Killed between two of its steps. */
static void test_a_gone_folder_counts_as_empty(void) {
    scratch_root_dir(&root, K "/updates");
    CU_ASSERT_EQUAL(module_folder_prune(&root, K "/updates/dkms", &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, K "/updates"));
    CU_ASSERT_EQUAL(module_folder_prune(&root, "/lib/modules/6.2/updates/dkms", &err), 0);
}

static void test_rpm_kernels_keep_their_folders(void) {
    scratch_root_dir(&root, K "/extra/net");
    scratch_root_write(&root, "/etc/os-release", "ID=fedora\n");
    CU_ASSERT_EQUAL(module_folder_prune(&root, K "/extra/net", &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, K "/extra/net"));
    CU_ASSERT_TRUE(root_exists(&root, K "/extra"));
}

static void test_not_a_folder(void) {
    scratch_root_write(&root, K "/updates", "");
    CU_ASSERT_EQUAL(module_folder_prune(&root, K "/updates/dkms", &err), 0);
    CU_ASSERT_TRUE(root_exists(&root, K "/updates"));
    scratch_root_link(&root, K "/updates", "/elsewhere");
    CU_ASSERT_EQUAL(module_folder_prune(&root, K "/updates", &err), 0);
    CU_ASSERT_TRUE(root_exists(&root, K "/updates"));
}

/* By the canonical folder: another kernel's modules, and one whose name begins alike, are not in
 * it. */
static void test_which_modules_are_a_kernels(void) {
    AUTO_STRLIST struct strlist paths = {0}, found = {0};
    static const char *const all[] = {"/usr/lib/modules/6.1.0/updates/a.ko",
                                      "/usr/lib/modules/6.1.0-other/updates/a.ko",
                                      "/usr/lib/modules/6.2.0/a.ko", "/usr/lib/modules/6.1.0"};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        CU_ASSERT_EQUAL(strlist_add(&paths, all[i]), 0);
    scratch_root_dir(&root, "/usr/lib/modules/6.1.0");
    scratch_root_link(&root, "/lib", "usr/lib");
    CU_ASSERT_EQUAL(module_folder_select(&root, "6.1.0", &paths, &found, &err), 0);
    CU_ASSERT_EQUAL(found.count, 1);
    CU_ASSERT_STRING_EQUAL(found.count ? found.items[0] : "", all[0]);
    CU_ASSERT_EQUAL(module_folder_select(&root, "6.3.0", &paths, &found, &err), 0);
    CU_ASSERT_EQUAL(found.count, 1);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"which modules are a kernel's", test_which_modules_are_a_kernels},
        {"up to the kernels folder", test_up_to_the_kernels_folder},
        {"as far as empty", test_as_far_as_empty},
        {"a gone folder counts as empty", test_a_gone_folder_counts_as_empty},
        {"rpm kernels keep their folders", test_rpm_kernels_keep_their_folders},
        {"not a folder", test_not_a_folder},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "module folder",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
