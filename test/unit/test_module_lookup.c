#include "kmod/system/module_lookup.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define ADDED SMALL_KERNEL_DIR "/updates/dkms/nvidia-drm.ko"

static struct root root;

static void set_up(void) {
    scratch_root_make(&root);
    small_kernel_make(&root);
    small_kernel_module(&root, ADDED, "pci:v000010DEd*", NULL, NULL);
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static bool leads_to(const char *name, const char *expected) {
    AUTO_FREE char *path = NULL;
    struct error err = {0};
    CU_ASSERT_EQUAL(module_lookup_path(&root, SMALL_KERNEL, name, &path, &err), 0);
    return path && expected ? !strcmp(path, expected) : path == expected;
}

static void test_names_and_aliases(void) {
    CU_ASSERT(leads_to("nvidia-drm", ADDED));
    CU_ASSERT(leads_to("nvidia_drm", ADDED));
    CU_ASSERT(leads_to("pci:v000010DEd00002236", ADDED));
    CU_ASSERT(leads_to("base", SMALL_KERNEL_DIR "/kernel/base.ko"));
    CU_ASSERT(leads_to("nvidia", NULL));
}

/* The index alone decides: the file may be gone. */
static void test_missing_file(void) {
    scratch_root_run("rm", scratch_root_host(&root, ADDED), NULL);
    CU_ASSERT(leads_to("nvidia_drm", ADDED));
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
    CU_ASSERT(leads_to("nvidia_drm", NULL));
}

static void test_no_index(void) {
    bool resolves = true;
    struct error err = {0};
    scratch_root_run("rm", scratch_root_host(&root, SMALL_KERNEL_DIR "/modules.dep.bin"), NULL);
    CU_ASSERT(leads_to("nvidia_drm", NULL));
    CU_ASSERT_EQUAL(module_lookup_resolves(&root, "6.0.0-none", "base", &resolves, &err), 0);
    CU_ASSERT_FALSE(resolves);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"names and aliases", test_names_and_aliases},
        {"a file that is gone", test_missing_file},
        {"no index", test_no_index},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "module_lookup",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
