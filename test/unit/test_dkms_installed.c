#include <CUnit/Basic.h>
#include <string.h>
#include <unistd.h>

#include "kmod/system/dkms_installed.h"
#include "test/unit/dkms_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define K "6.1"
#define DIR "/lib/modules/" K "/"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* The paths found, sorted, and how many files are somebody else's. */
static void check(const char *expected, unsigned foreign) {
    AUTO_DKMS_BUILDS struct dkms_builds builds = {0};
    AUTO_DKMS_INSTALLED struct dkms_installed installed = {0};
    AUTO_STRLIST struct strlist paths = {0};
    const struct dkms_build *build = dkms_fixture_read(&root, K, &builds);
    CU_ASSERT_EQUAL(dkms_installed_find(&root, build, NULL, &installed, &err), 0);
    for (size_t i = 0; i < installed.count; i++) {
        struct stat st;
        CU_ASSERT_EQUAL(strlist_add(&paths, installed.files[i].path), 0);
        CU_ASSERT_EQUAL(root_stat(&root, installed.files[i].path, &st), 0);
        CU_ASSERT_PTR_EQUAL(dkms_installed_same(&installed, &st), &installed.files[i]);
    }
    strlist_sort(&paths);
    AUTO_FREE char *text = strlist_join(&paths, " ");
    CU_ASSERT_STRING_EQUAL(text, expected);
    CU_ASSERT_EQUAL(installed.foreign, foreign);
}

static void build_two(void) {
    dkms_fixture_build(&root, "1.0", K, "a.ko", "module a");
    dkms_fixture_build(&root, "1.0", K, "b.ko.xz", "module b");
}

static unsigned count_with(const struct compared_files *known, struct compared_files *compared) {
    AUTO_DKMS_BUILDS struct dkms_builds builds = {0};
    AUTO_DKMS_INSTALLED struct dkms_installed installed = {0};
    const struct dkms_build *build = dkms_fixture_read(&root, K, &builds);
    CU_ASSERT_EQUAL(dkms_installed_find(&root, build, known, &installed, &err), 0);
    for (size_t i = 0; i < installed.compared.count; i++)
        CU_ASSERT_EQUAL(compared_files_add(compared, &installed.compared.items[i]), 0);
    return (unsigned)installed.count;
}

/* What is known is not read: here the record says what is not so, and is believed, until one of the
 * files changes. */
static void test_known_files(void) {
    AUTO_COMPARED_FILES struct compared_files compared = {0}, none = {0}, told = {0}, again = {0};
    struct stat placed, copy;
    dkms_fixture_build(&root, "1.0", K, "a.ko", "module a");
    dkms_fixture_place(&root, K, "updates/dkms/a.ko", "module a");
    CU_ASSERT_EQUAL(count_with(NULL, &compared), 1);
    CU_ASSERT_EQUAL(compared.count, 1);
    CU_ASSERT_EQUAL(count_with(&compared, &again), 1);
    CU_ASSERT_TRUE(compared_files_equal(&compared, &again));
    dkms_fixture_place(&root, K, "updates/dkms/a.ko", "module A");
    CU_ASSERT_EQUAL(count_with(&compared, &none), 0);
    CU_ASSERT_EQUAL(none.count, 0);
    CU_ASSERT_EQUAL(stat(scratch_root_host(&root, DIR "updates/dkms/a.ko"), &placed), 0);
    CU_ASSERT_EQUAL(
        stat(scratch_root_host(&root, FIXTURE_TREE "/1.0/" K "/x86_64/module/a.ko"), &copy), 0);
    const struct compared_pair pair = compared_files_pair(&placed, &copy);
    CU_ASSERT_EQUAL(compared_files_add(&told, &pair), 0);
    CU_ASSERT_EQUAL(count_with(&told, &none), 1);
    usleep(20 * 1000);
    scratch_root_run("touch", scratch_root_host(&root, DIR "updates/dkms/a.ko"), NULL);
    CU_ASSERT_EQUAL(count_with(&told, &none), 0);
}

static void test_not_installed(void) {
    build_two();
    check("", 0);
    scratch_root_dir(&root, DIR "updates/dkms");
    check("", 0);
}

static void test_no_modules_built(void) {
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/" K "/x86_64/log");
    dkms_fixture_place(&root, K, "updates/dkms/a.ko", "module a");
    check("", 0);
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/" K "/x86_64/module");
    check("", 0);
}

static void test_in_each_folder_of_added_modules(void) {
    static const char *const folders[] = {"updates/dkms", "updates", "extra", "extra/net",
                                          "weak-updates"};
    build_two();
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        char path[64], expected[200];
        snprintf(path, sizeof path, "%s/a.ko", folders[i]);
        dkms_fixture_place(&root, K, path, "module a");
        snprintf(path, sizeof path, "%s/b.ko.xz", folders[i]);
        dkms_fixture_place(&root, K, path, "module b");
        snprintf(expected, sizeof expected, DIR "%s/a.ko " DIR "%s/b.ko.xz", folders[i],
                 folders[i]);
        check(expected, 0);
        scratch_root_run("rm", "-r", scratch_root_host(&root, DIR), NULL);
    }
}

/* dkms installs once, and in its own folder. */
static void test_further_copies_are_foreign(void) {
    build_two();
    dkms_fixture_place(&root, K, "extra/a.ko", "module a");
    dkms_fixture_place(&root, K, "extra/b.ko.xz", "module b");
    dkms_fixture_place(&root, K, "updates/customer/a.ko", "module a");
    check(DIR "extra/a.ko " DIR "extra/b.ko.xz", 1);
    dkms_fixture_place(&root, K, "updates/a.ko", "module a");
    check(DIR "extra/b.ko.xz " DIR "updates/a.ko", 2);
    dkms_fixture_place(&root, K, "updates/dkms/a.ko", "module a");
    check(DIR "extra/b.ko.xz " DIR "updates/dkms/a.ko", 3);
}

static void test_a_link_in_place_of_the_built_modules(void) {
    dkms_fixture_place(&root, K, "kernel/net/a.ko", "the kernel's a");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/" K "/x86_64/module", DIR "kernel/net");
    check("", 0);
}

static void test_other_content_is_foreign(void) {
    build_two();
    dkms_fixture_place(&root, K, "updates/dkms/a.ko", "module A");
    dkms_fixture_place(&root, K, "updates/dkms/b.ko.xz", "module b");
    check(DIR "updates/dkms/b.ko.xz", 1);
}

/* Not the same name, whatever the content: T7's "nvidia.ko.customer-backup". */
static void test_other_names_are_not_looked_at(void) {
    build_two();
    dkms_fixture_place(&root, K, "updates/dkms/a.ko.customer-backup", "module a");
    dkms_fixture_place(&root, K, "updates/dkms/ab.ko", "module a");
    dkms_fixture_place(&root, K, "updates/dkms/a-b.ko", "module b");
    check("", 0);
}

static void test_another_compression_is_foreign(void) {
    build_two();
    dkms_fixture_place(&root, K, "updates/dkms/a.ko.zst", "module a");
    dkms_fixture_place(&root, K, "updates/dkms/b.ko", "module b");
    check("", 2);
}

static void test_in_the_kernels_own_tree(void) {
    build_two();
    dkms_fixture_place(&root, K, "updates/dkms/b.ko.xz", "module b");
    dkms_fixture_place(&root, K, "kernel/drivers/net/a.ko", "module a");
    check(DIR "kernel/drivers/net/a.ko " DIR "updates/dkms/b.ko.xz", 0);
}

/* What the kernel itself has of the name is its own, and no fault. */
static void test_the_kernels_own_module(void) {
    build_two();
    dkms_fixture_place(&root, K, "updates/dkms/a.ko", "module a");
    dkms_fixture_place(&root, K, "updates/dkms/b.ko.xz", "module b");
    dkms_fixture_place(&root, K, "kernel/drivers/net/a.ko", "the kernel's a");
    check(DIR "updates/dkms/a.ko " DIR "updates/dkms/b.ko.xz", 0);
    scratch_root_run("rm", scratch_root_host(&root, DIR "updates/dkms/a.ko"), NULL);
    check(DIR "updates/dkms/b.ko.xz", 0);
}

/* dkms --symlink-modules. */
static void test_installed_as_links(void) {
    build_two();
    scratch_root_link(&root, DIR "updates/dkms/a.ko", FIXTURE_TREE "/1.0/" K "/x86_64/module/a.ko");
    dkms_fixture_place(&root, K, "elsewhere", "module b");
    scratch_root_link(&root, DIR "updates/dkms/b.ko.xz", DIR "elsewhere");
    check(DIR "updates/dkms/a.ko", 0);
}

static void test_links_are_not_followed(void) {
    build_two();
    dkms_fixture_place(&root, "6.2", "extra/a.ko", "module a");
    scratch_root_link(&root, DIR "updates", "/lib/modules/6.2/extra");
    scratch_root_link(&root, DIR "build", "/lib/modules/6.2");
    check("", 0);
}

static void test_usr_merge(void) {
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_link(&root, "/lib", "usr/lib");
    build_two();
    dkms_fixture_place(&root, K, "updates/dkms/a.ko", "module a");
    check(DIR "updates/dkms/a.ko", 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"known files", test_known_files},
        {"not installed", test_not_installed},
        {"no modules built", test_no_modules_built},
        {"in each folder of added modules", test_in_each_folder_of_added_modules},
        {"further copies are foreign", test_further_copies_are_foreign},
        {"a link in place of the built modules", test_a_link_in_place_of_the_built_modules},
        {"other content is foreign", test_other_content_is_foreign},
        {"other names are not looked at", test_other_names_are_not_looked_at},
        {"another compression is foreign", test_another_compression_is_foreign},
        {"in the kernels own tree", test_in_the_kernels_own_tree},
        {"the kernels own module", test_the_kernels_own_module},
        {"installed as links", test_installed_as_links},
        {"links are not followed", test_links_are_not_followed},
        {"usr merge", test_usr_merge},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "installed DKMS modules",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
