#include "kmod/lifecycle/registration.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/system/dkms_tree.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define MODULES SMALL_KERNEL_DIR "/updates/dkms"
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

static void add_module(const char *path) {
    struct facts_module *module = facts_add_module(&facts);
    CU_ASSERT_PTR_NOT_NULL_FATAL(module);
    module->path = copy(path);
}

static void add_kernel(const char *kernel) {
    struct module_index *index = facts_add_index(&facts);
    CU_ASSERT_PTR_NOT_NULL_FATAL(index);
    index->kernel = copy(kernel);
    CU_ASSERT_EQUAL(strlist_add(&facts.dkms.kernels, kernel), 0);
}

/* Two modules of ours, not yet in the index; the bake is for one kernel. */
static void set_up(void) {
    scratch_root_make(&root);
    small_kernel_make(&root);
    small_kernel_module(&root, MODULES "/ours-open.ko", NULL, NULL, NULL);
    small_kernel_module(&root, MODULES "/ours-drm.ko", NULL, NULL, NULL);
    facts = (struct facts){0};
    facts.dkms.name = copy("ours");
    facts.dkms.version = copy("1.0");
    facts.dkms.machine = copy("x86_64");
    add_module("/usr" MODULES "/ours-open.ko");
    add_module("/usr" MODULES "/ours-drm.ko");
    add_kernel(SMALL_KERNEL);
}

static void tear_down(void) {
    facts_release(&facts);
    scratch_root_remove(&root);
}

static void run_depmod(void) {
    scratch_root_dir(&root, "/none");
    scratch_root_run("depmod", "-b", root.path, "-C", scratch_root_host(&root, "/none"),
                     SMALL_KERNEL, NULL);
}

static void remove_path(const char *path) {
    scratch_root_run("rm", "-r", scratch_root_host(&root, path), NULL);
}

static void check_resolves(bool any, bool all) {
    CU_ASSERT_EQUAL(registration_resolves(&root, &facts, false), any);
    CU_ASSERT_EQUAL(registration_resolves(&root, &facts, true), all);
}

static void test_the_index_resolves_all_any_or_none(void) {
    check_resolves(false, false);
    run_depmod();
    check_resolves(true, true);
    remove_path(MODULES "/ours-drm.ko");
    run_depmod();
    check_resolves(true, false);
    remove_path(MODULES "/ours-open.ko");
    run_depmod();
    check_resolves(false, false);
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "base"));
}

/* The index knows files by their names up to the first dot, with '-' and '_' alike. */
static void test_names_come_from_the_files(void) {
    facts_release(&facts);
    add_module("/usr" MODULES "/ours_open.ko.xz");
    add_kernel(SMALL_KERNEL);
    run_depmod();
    check_resolves(true, true);
    add_module("/usr" MODULES "/ours");
    check_resolves(true, false);
}

static void test_every_kernel_counts(void) {
    run_depmod();
    add_kernel("6.99.1-without-an-index");
    check_resolves(true, false);
}

/* What was not looked at is not resolved. */
static void test_nothing_known_is_nothing_resolved(void) {
    struct facts none = {0};
    run_depmod();
    CU_ASSERT_FALSE(registration_resolves(&root, &none, true));
    CU_ASSERT_FALSE(registration_resolves(&root, &none, false));
    facts_release(&facts);
    add_module("/usr" MODULES "/ours-open.ko");
    check_resolves(false, false);
    facts_release(&facts);
    add_kernel(SMALL_KERNEL);
    check_resolves(false, false);
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
        {"the index resolves all any or none", test_the_index_resolves_all_any_or_none},
        {"names come from the files", test_names_come_from_the_files},
        {"every kernel counts", test_every_kernel_counts},
        {"nothing known is nothing resolved", test_nothing_known_is_nothing_resolved},
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
