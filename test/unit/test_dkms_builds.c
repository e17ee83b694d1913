#include <CUnit/Basic.h>
#include <string.h>

#include "base/buffer.h"
#include "kmod/system/dkms_builds.h"
#include "test/unit/dkms_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* "kernel machine active" of each build, and the kernels' folders. */
static void check(const char *builds_expected, const char *kernels_expected) {
    static const char *const active[] = {"none", "this", "other"};
    AUTO_DKMS_BUILDS struct dkms_builds builds = {0};
    AUTO_BUFFER struct buffer text = {0};
    CU_ASSERT_EQUAL(dkms_builds_read(&root, FIXTURE_NAME, "1.0", &builds, &err), 0);
    for (size_t i = 0; i < builds.count; i++)
        CU_ASSERT_EQUAL(buffer_printf(&text, "%s %s %s;", builds.items[i].kernel,
                                      builds.items[i].machine, active[builds.items[i].active]),
                        0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&text), builds_expected);
    AUTO_FREE char *kernels = strlist_join(&builds.kernels, " ");
    CU_ASSERT_STRING_EQUAL(kernels, kernels_expected);
    CU_ASSERT_EQUAL(builds.present, *builds_expected || root_exists(&root, FIXTURE_TREE "/1.0"));
}

static void test_nothing(void) {
    check("", "");
    scratch_root_dir(&root, DKMS_TREE);
    check("", "");
    dkms_fixture_add(&root, "2.0");
    check("", "");
}

static void test_added(void) {
    dkms_fixture_add(&root, "1.0");
    check("", "");
}

static void test_built_and_installed(void) {
    dkms_fixture_add(&root, "1.0");
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "m");
    dkms_fixture_build(&root, "1.0", "6.2", "mod.ko", "m");
    dkms_fixture_activate(&root, "1.0", "6.2");
    check("6.1 x86_64 none;6.2 x86_64 this;", "6.1 6.2");
}

static void test_another_version_is_active(void) {
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "m");
    dkms_fixture_build(&root, "2.0", "6.1", "mod.ko", "m");
    dkms_fixture_activate(&root, "2.0", "6.1");
    check("6.1 x86_64 other;", "6.1");
}

/* dkms asks what the link finally leads to. */
static void test_links_in_other_words(void) {
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "m");
    scratch_root_link(&root, FIXTURE_TREE "/kernel-6.1-x86_64", FIXTURE_TREE "/1.0/6.1/x86_64");
    check("6.1 x86_64 this;", "6.1");
}

static void test_a_link_without_its_folder(void) {
    dkms_fixture_activate(&root, "1.0", "6.1");
    check("6.1 x86_64 this;", "");
    dkms_fixture_activate(&root, "2.0", "6.2");
    check("6.1 x86_64 this;", "");
}

static void test_hostile_link_targets(void) {
    static const char *const targets[] = {
        "1.0",          "1.0/6.1",       "1.0/6.1/x86_64/a", "1.0/../x86_64",
        "1.0/6.1/..",   "1.0//x86_64",   "1.0/6.1/",         "/1.0/6.1/x86_64",
        "../1.0/6.1/x", "1.0/-k/x86_64", "1.0/6.1/x86_64/",
    };
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        scratch_root_link(&root, FIXTURE_TREE "/kernel-6.1-x86_64", targets[i]);
        check("", "");
    }
}

static void test_what_an_interrupted_build_left(void) {
    dkms_fixture_add(&root, "1.0");
    scratch_root_write(&root, FIXTURE_TREE "/1.0/build/make.log", "log");
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/6.1");
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/6.2/x86_64/log");
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/tarball");
    scratch_root_dir(&root, FIXTURE_TREE "/1.0/deb");
    check("6.2 x86_64 none;", "6.1 6.2");
}

/* Nothing is looked for behind a link. */
static void test_links_in_place_of_folders(void) {
    dkms_fixture_build(&root, "2.0", "6.1", "mod.ko", "m");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/6.1", "../2.0/6.1");
    check("", "");
    scratch_root_link(&root, FIXTURE_TREE "/1.0/6.2/x86_64", "../../2.0/6.1/x86_64");
    check("", "6.2");
}

static void test_links_in_place_of_the_version(void) {
    struct dkms_builds builds;
    dkms_fixture_build(&root, "2.0", "6.1", "mod.ko", "m");
    scratch_root_link(&root, FIXTURE_TREE "/1.0", "2.0");
    CU_ASSERT_EQUAL(dkms_builds_read(&root, FIXTURE_NAME, "1.0", &builds, &err), -ENOTDIR);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, FIXTURE_TREE "/1.0 is not a folder"));
    scratch_root_link(&root, DKMS_TREE "/other", FIXTURE_NAME);
    CU_ASSERT_EQUAL(dkms_builds_read(&root, "other", "2.0", &builds, &err), -ENOTDIR);
}

static void test_hostile_names(void) {
    struct dkms_builds builds;
    static const char *const names[] = {"", ".", "..", "a/b", "-k", "a b", "*"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CU_ASSERT_EQUAL(dkms_builds_read(&root, names[i], "1.0", &builds, &err), -EINVAL);
        CU_ASSERT_EQUAL(dkms_builds_read(&root, "mod", names[i], &builds, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    }
    CU_ASSERT_EQUAL(dkms_builds_read(&root, "mod", "original_module", &builds, &err), -EINVAL);
    CU_ASSERT_EQUAL(dkms_builds_read(&root, "mod", "kernel-6.1-x86_64", &builds, &err), -EINVAL);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing", test_nothing},
        {"added", test_added},
        {"built and installed", test_built_and_installed},
        {"another version is active", test_another_version_is_active},
        {"links in other words", test_links_in_other_words},
        {"a link without its folder", test_a_link_without_its_folder},
        {"hostile link targets", test_hostile_link_targets},
        {"what an interrupted build left", test_what_an_interrupted_build_left},
        {"links in place of folders", test_links_in_place_of_folders},
        {"links in place of the version", test_links_in_place_of_the_version},
        {"hostile names", test_hostile_names},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "DKMS builds", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
