#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "kmod/system/dkms_removal.h"
#include "test/unit/dkms_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

static struct root root = ROOT_INIT;
static struct error err;
static struct dkms_removal removal;
static struct strlist refresh;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    removal = (struct dkms_removal){.root = &root, .name = FIXTURE_NAME, .version = "1.0"};
}

static void tear_down(void) {
    dkms_removal_release(&removal);
    strlist_release(&refresh);
    scratch_root_remove(&root);
}

static void succeed(int rc) {
    CU_ASSERT_EQUAL(rc, 0);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
}

/* mod.ko of version 1.0 in updates/dkms, and in the kernel's index. */
static void install(const char *kernel) {
    dkms_fixture_build(&root, "1.0", kernel, "mod.ko", "module");
    dkms_fixture_place(&root, kernel, "updates/dkms/mod.ko", "module");
    dkms_fixture_place(&root, kernel, "modules.dep", "updates/dkms/mod.ko:\n");
    dkms_fixture_activate(&root, "1.0", kernel);
}

/* A real index of the kernel that has a module at `path`, which is not there any more. */
static void index_and_remove(const char *kernel, const char *path) {
    char file[128];
    snprintf(file, sizeof file, "/lib/modules/%s/%s", kernel, path);
    small_kernel_module(&root, file, NULL, NULL, NULL);
    dkms_fixture_place(&root, kernel, "modules.order", "");
    dkms_fixture_place(&root, kernel, "modules.builtin", "");
    scratch_root_run("depmod", "-b", root.path, kernel, NULL);
    scratch_root_run("rm", scratch_root_host(&root, file), NULL);
}

/* Things of others, in every folder that is touched. */
static void make_others(void) {
    dkms_fixture_add(&root, "2.0");
    dkms_fixture_build(&root, "2.0", "6.3", "mod.ko", "second");
    dkms_fixture_place(&root, "6.3", "updates/dkms/mod.ko", "second");
    dkms_fixture_place(&root, "6.3", "modules.dep", "updates/dkms/mod.ko:\n");
    dkms_fixture_activate(&root, "2.0", "6.3");
    scratch_root_write(&root, DKMS_TREE "/other/1.0/6.1/x86_64/module/other.ko", "other");
    dkms_fixture_place(&root, "6.1", "updates/dkms/other.ko", "other");
    dkms_fixture_place(&root, "6.1", "updates/dkms/mod.ko.customer-backup", "module");
}

static void run(void) {
    dkms_removal_release(&removal);
    strlist_release(&refresh);
    removal.kernels = removal.files = removal.foreign = 0;
    succeed(dkms_removal_open(&removal, &err));
    succeed(dkms_removal_files(&removal, &refresh, &err));
    succeed(dkms_removal_tree(&removal, &err));
    succeed(dkms_removal_version(&removal, &err));
}

static void check_refresh(const char *expected) {
    AUTO_FREE char *kernels = strlist_join(&refresh, " ");
    CU_ASSERT_STRING_EQUAL(kernels, expected);
}

/* Everything is as in `before`, but for the indexes and what the caller names. */
static void check_same(const char *before) {
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

static void test_installed_for_two_kernels(void) {
    make_others();
    scratch_root_write(&root, "/usr/src/mod-1.0/dkms.conf", "PACKAGE_NAME=mod\n");
    dkms_fixture_place(&root, "6.1", "modules.dep", "updates/dkms/mod.ko:\n");
    dkms_fixture_place(&root, "6.2", "modules.dep", "updates/dkms/mod.ko:\n");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    dkms_fixture_add(&root, "1.0");
    install("6.1");
    install("6.2");
    run();
    check_refresh("6.1 6.2");
    CU_ASSERT_EQUAL(removal.kernels, 2);
    CU_ASSERT_EQUAL(removal.files, 2);
    CU_ASSERT_EQUAL(removal.foreign, 0);
    check_same(before);
}

static void test_built_only(void) {
    dkms_fixture_add(&root, "1.0");
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "modules.dep", "kernel/a.ko:\n");
    run();
    check_refresh("");
    CU_ASSERT_EQUAL(removal.kernels, 1);
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

static void test_added_only(void) {
    dkms_fixture_add(&root, "1.0");
    CU_ASSERT_EQUAL(dkms_removal_open(&removal, &err), 0);
    CU_ASSERT_TRUE(dkms_removal_has_any(&removal));
    run();
    CU_ASSERT_EQUAL(removal.kernels, 0);
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
    CU_ASSERT_TRUE(root_exists(&root, "/usr/src/mod-1.0/dkms.conf"));
    CU_ASSERT_TRUE(root_exists(&root, DKMS_TREE));
}

static void test_absent(void) {
    CU_ASSERT_EQUAL(dkms_removal_open(&removal, &err), 0);
    CU_ASSERT_FALSE(dkms_removal_has_any(&removal));
    make_others();
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    run();
    CU_ASSERT_FALSE(dkms_removal_has_any(&removal));
    check_same(before);
}

static void test_one_kernel_of_two(void) {
    dkms_fixture_add(&root, "1.0");
    install("6.1");
    dkms_fixture_place(&root, "6.2", "modules.dep", "");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    install("6.2");
    dkms_fixture_place(&root, "6.2", "modules.dep", "");
    removal.kernel = "6.2";
    run();
    check_refresh("6.2");
    CU_ASSERT_EQUAL(removal.kernels, 1);
    check_same(before);
    removal.kernel = "6.9";
    run();
    CU_ASSERT_FALSE(dkms_removal_has_any(&removal));
    check_same(before);
    /* The last one takes the version with it, as with dkms. */
    removal.kernel = "6.1";
    run();
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

static void test_all_but_some(void) {
    AUTO_STRLIST struct strlist except = {0};
    CU_ASSERT_EQUAL(strlist_add(&except, "6.1"), 0);
    dkms_fixture_add(&root, "1.0");
    install("6.1");
    dkms_fixture_place(&root, "6.2", "modules.dep", "");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    removal.except = &except;
    CU_ASSERT_EQUAL(dkms_removal_open(&removal, &err), 0);
    CU_ASSERT_FALSE(dkms_removal_has_any(&removal));
    install("6.2");
    dkms_fixture_place(&root, "6.2", "modules.dep", "");
    scratch_root_write(&root, FIXTURE_TREE "/1.0/build/make.log", "log");
    run();
    check_refresh("6.2");
    check_same(before);
}

static void test_what_interrupted_builds_left(void) {
    scratch_root_dir(&root, "/lib/modules/6.1");
    dkms_fixture_add(&root, "1.0");
    scratch_root_write(&root, FIXTURE_TREE "/1.0/build/make.log", "log");
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/6.1/x86_64/log");
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/6.2");
    run();
    check_refresh("");
    CU_ASSERT_EQUAL(removal.kernels, 2);
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

/* Copied, but not registered yet: dkms leaves such a file for ever. */
static void test_what_an_interrupted_installation_left(void) {
    dkms_fixture_add(&root, "1.0");
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "updates/dkms/mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "modules.dep", "kernel/a.ko:\n");
    run();
    check_refresh("");
    CU_ASSERT_EQUAL(removal.files, 1);
    CU_ASSERT_FALSE(root_exists(&root, "/lib/modules/6.1/updates"));
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

static void test_a_link_without_a_build(void) {
    dkms_fixture_activate(&root, "1.0", "6.1");
    dkms_fixture_place(&root, "6.1", "modules.dep", "kernel/a.ko:\n");
    run();
    check_refresh("6.1");
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

static void test_the_kernel_is_gone(void) {
    dkms_fixture_add(&root, "1.0");
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_activate(&root, "1.0", "6.1");
    run();
    check_refresh("");
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
    CU_ASSERT_FALSE(root_exists(&root, "/lib"));
}

static void test_foreign_files_stay(void) {
    dkms_fixture_add(&root, "1.0");
    install("6.1");
    dkms_fixture_place(&root, "6.1", "updates/dkms/mod.ko", "the customer's");
    dkms_fixture_place(&root, "6.1", "extra/mod.ko.xz", "another's");
    run();
    CU_ASSERT_EQUAL(removal.foreign, 2);
    CU_ASSERT_EQUAL(removal.files, 0);
    CU_ASSERT_TRUE(
        dkms_fixture_holds(&root, "/lib/modules/6.1/updates/dkms/mod.ko", "the customer's"));
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

static void test_originals_and_weak_links(void) {
    dkms_fixture_place(&root, "6.1", "modules.order", "kernel/net/mod.ko\n");
    dkms_fixture_place(&root, "6.1", "kernel/net/mod.ko", "original");
    dkms_fixture_place(&root, "6.1", "modules.dep", "extra/mod.ko:\n");
    index_and_remove("6.2", "weak-updates/mod.ko");
    scratch_root_run("rmdir", scratch_root_host(&root, "/lib/modules/6.2/weak-updates"), NULL);
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    scratch_root_run("rm", scratch_root_host(&root, "/lib/modules/6.1/kernel/net/mod.ko"), NULL);
    dkms_fixture_store(&root, "6.1", "mod.ko", "original");
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "extra/mod.ko", "module");
    dkms_fixture_activate(&root, "1.0", "6.1");
    scratch_root_link(&root, "/lib/modules/6.2/weak-updates/mod.ko",
                      "/lib/modules/6.1/extra/mod.ko");
    run();
    check_refresh("6.1 6.2");
    CU_ASSERT_EQUAL(removal.files, 2);
    CU_ASSERT_EQUAL(file_remove_dir(&root, DKMS_TREE, &err), 0);
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/var/lib", &err), 0);
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/var", &err), 0);
    check_same(before);
}

/* The original goes to where the DKMS module is: nothing may remove it there afterwards. */
static void test_an_original_in_the_same_place(void) {
    dkms_fixture_store(&root, "6.1", "mod.ko", "original");
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "extra/mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "modules.dep", "extra/mod.ko:\n");
    dkms_fixture_activate(&root, "1.0", "6.1");
    run();
    check_refresh("6.1");
    CU_ASSERT_EQUAL(removal.files, 1);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, "/lib/modules/6.1/extra/mod.ko", "original"));
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

/* Where a run was killed: a second one still knows which indexes to make, and what is left. */
static void test_second_runs(void) {
    install("6.1");
    index_and_remove("6.2", "weak-updates/sub/mod.ko");
    scratch_root_run("rm", "-r", scratch_root_host(&root, "/lib/modules/6.1/updates/dkms/mod.ko"),
                     NULL);
    run();
    check_refresh("6.1 6.2");
    CU_ASSERT_FALSE(root_exists(&root, "/lib/modules/6.1/updates"));
    CU_ASSERT_FALSE(root_exists(&root, "/lib/modules/6.2/weak-updates"));
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));

    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "modules.dep", "");
    run();
    check_refresh("6.2");
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));

    scratch_root_dir(&root, FIXTURE_TREE);
    run();
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

/* A link in place of `source` or of a build is removed, not followed. */
static void test_planted_links(void) {
    scratch_root_write(&root, "/precious/6.1/x86_64/module/mod.ko", "precious");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/source", "/precious");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/6.1", "/precious/6.1");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/6.2/x86_64", "/precious/6.1/x86_64");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/6.3/x86_64/module", "/precious/6.1/x86_64/module");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/build", "/precious");
    scratch_root_link(&root, FIXTURE_TREE "/original_module/6.3/x86_64", "/precious");
    run();
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, "/precious/6.1/x86_64/module/mod.ko", "precious"));
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE "/1.0"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"installed for two kernels", test_installed_for_two_kernels},
        {"built only", test_built_only},
        {"added only", test_added_only},
        {"absent", test_absent},
        {"one kernel of two", test_one_kernel_of_two},
        {"all but some", test_all_but_some},
        {"what interrupted builds left", test_what_interrupted_builds_left},
        {"what an interrupted installation left", test_what_an_interrupted_installation_left},
        {"a link without a build", test_a_link_without_a_build},
        {"the kernel is gone", test_the_kernel_is_gone},
        {"foreign files stay", test_foreign_files_stay},
        {"originals and weak links", test_originals_and_weak_links},
        {"an original in the same place", test_an_original_in_the_same_place},
        {"second runs", test_second_runs},
        {"planted links", test_planted_links},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "DKMS removal",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
