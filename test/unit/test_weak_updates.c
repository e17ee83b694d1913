#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/system/weak_updates.h"
#include "test/unit/dkms_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define K "6.1"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void check(unsigned expected) {
    AUTO_DKMS_BUILDS struct dkms_builds builds = {0};
    AUTO_DKMS_INSTALLED struct dkms_installed installed = {0};
    unsigned removed = 0;
    CU_ASSERT_EQUAL(
        dkms_installed_find(&root, dkms_fixture_read(&root, K, &builds), NULL, &installed, &err),
        0);
    CU_ASSERT_EQUAL(weak_updates_remove(&root, &installed, &removed, &err), 0);
    CU_ASSERT_EQUAL(removed, expected);
}

static void install(void) {
    dkms_fixture_build(&root, "1.0", K, "a.ko", "module a");
    dkms_fixture_place(&root, K, "extra/a.ko", "module a");
}

static void test_links_of_other_kernels(void) {
    install();
    scratch_root_link(&root, "/lib/modules/6.2/weak-updates/a.ko", "/lib/modules/" K "/extra/a.ko");
    scratch_root_link(&root, "/lib/modules/6.3/weak-updates/sub/a.ko", "../../../" K "/extra/a.ko");
    check(2);
    CU_ASSERT_FALSE(root_exists(&root, "/lib/modules/6.2/weak-updates"));
    CU_ASSERT_FALSE(root_exists(&root, "/lib/modules/6.3/weak-updates"));
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, "/lib/modules/" K "/extra/a.ko", "module a"));
    check(0);
}

/* The kernel package's folder, as an rpm has it. */
static void test_the_folder_stays_where_kernels_are_rpms(void) {
    install();
    scratch_root_write(&root, "/etc/os-release", "ID=rocky\nID_LIKE=\"rhel centos fedora\"\n");
    scratch_root_link(&root, "/lib/modules/6.2/weak-updates/sub/a.ko",
                      "/lib/modules/" K "/extra/a.ko");
    check(1);
    CU_ASSERT_FALSE(root_exists(&root, "/lib/modules/6.2/weak-updates/sub"));
    CU_ASSERT_TRUE(root_exists(&root, "/lib/modules/6.2/weak-updates"));
}

static void test_what_leads_elsewhere_stays(void) {
    install();
    dkms_fixture_place(&root, K, "extra/b.ko", "module a");
    dkms_fixture_place(&root, "6.2", "weak-updates/a.ko", "module a");
    scratch_root_link(&root, "/lib/modules/6.3/weak-updates/a.ko", "/lib/modules/" K "/extra/b.ko");
    scratch_root_link(&root, "/lib/modules/6.4/weak-updates/a.ko", "/lib/modules/" K "/extra/c.ko");
    scratch_root_link(&root, "/lib/modules/6.5/weak-updates", "/lib/modules/6.6/weak-updates");
    scratch_root_link(&root, "/lib/modules/6.6/weak-updates/b.ko", "/lib/modules/" K "/extra/a.ko");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    check(0);
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

#define MODULE "/usr/lib/modules/" K "/extra/a.ko"

static int is_module(void *context, const char *target, bool *wanted, struct error *e) {
    unsigned *asked = context;
    (void)e;
    ++*asked;
    *wanted = !strcmp(target, MODULE);
    return 0;
}

static void merge_usr(void) {
    scratch_root_dir(&root, "/usr/lib/modules");
    scratch_root_link(&root, "/lib", "usr/lib");
}

static void find(struct weak_links *links, unsigned expected_asked) {
    unsigned asked = 0;
    CU_ASSERT_EQUAL(weak_updates_find(&root, is_module, &asked, links, &err), 0);
    CU_ASSERT_EQUAL(asked, expected_asked);
}

/* Whatever leads there, by its words: nothing need be there. */
static void test_links_are_found_by_where_they_lead(void) {
    static const char *const targets[] = {
        "/lib/modules/" K "/extra/a.ko",
        "/usr/lib/modules/" K "/extra/a.ko",
        "../../../" K "/extra/a.ko",
        "./../../../../modules//" K "/updates/../extra/./a.ko",
        "../../../../../../../../../lib/modules/" K "/extra/a.ko",
    };
    merge_usr();
    scratch_root_write(&root, "/lib/modules/6.2/modules.dep", "");
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        for (int there = 0; there < 2; there++) {
            AUTO_WEAK_LINKS struct weak_links links = {0};
            scratch_root_link(&root, "/lib/modules/6.2/weak-updates/sub/a.ko", targets[i]);
            if (there)
                scratch_root_write(&root, MODULE, "module a");
            find(&links, 1);
            CU_ASSERT_EQUAL_FATAL(links.paths.count, 1);
            CU_ASSERT_STRING_EQUAL(links.paths.items[0], "/lib/modules/6.2/weak-updates/sub/a.ko");
            CU_ASSERT_STRING_EQUAL(links.canonical.items[0],
                                   "/usr/lib/modules/6.2/weak-updates/sub/a.ko");
            CU_ASSERT_STRING_EQUAL(links.kernels.items[0], "6.2");
            CU_ASSERT_EQUAL(weak_updates_unlink(&root, &links, &err), 0);
            CU_ASSERT_FALSE(root_exists(&root, links.paths.items[0]));
            CU_ASSERT_TRUE(root_exists(&root, "/lib/modules/6.2/weak-updates/sub"));
            CU_ASSERT_EQUAL(weak_updates_unlink(&root, &links, &err), 0);
            scratch_root_run("rm", "-rf", scratch_root_host(&root, "/lib/modules/" K), NULL);
        }
    }
}

/* Two links of a kernel without an index, and those that lead elsewhere or nowhere. */
static void test_links_that_are_not_found(void) {
    AUTO_WEAK_LINKS struct weak_links links = {0};
    static const char *const elsewhere[] = {
        "/", ".", "..", "/lib/modules/" K "/extra", "b.ko", "/lib/modules/" K "/extra/a.ko/x"};
    merge_usr();
    scratch_root_write(&root, MODULE, "module a");
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
        char link[64];
        snprintf(link, sizeof link, "/lib/modules/6.3/weak-updates/%zu.ko", i);
        scratch_root_link(&root, link, elsewhere[i]);
    }
    scratch_root_write(&root, "/lib/modules/6.3/weak-updates/file.ko", "module a");
    scratch_root_link(&root, "/lib/modules/6.3/extra/a.ko", MODULE);
    scratch_root_link(&root, "/lib/modules/6.4/weak-updates", "/lib/modules/6.3/extra");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    unsigned asked = 0;
    CU_ASSERT_EQUAL(weak_updates_find(&root, is_module, &asked, &links, &err), 0);
    CU_ASSERT_EQUAL(links.paths.count, 0);
    scratch_root_link(&root, "/lib/modules/6.5/weak-updates/a.ko", MODULE);
    scratch_root_link(&root, "/lib/modules/6.5/weak-updates/b.ko", MODULE);
    CU_ASSERT_EQUAL(weak_updates_find(&root, is_module, &asked, &links, &err), 0);
    CU_ASSERT_EQUAL(links.paths.count, 2);
    CU_ASSERT_EQUAL(links.kernels.count, 0);
    CU_ASSERT_EQUAL(weak_updates_unlink(&root, &links, &err), 0);
    scratch_root_run("rmdir", scratch_root_host(&root, "/lib/modules/6.5/weak-updates"),
                     scratch_root_host(&root, "/lib/modules/6.5"), NULL);
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"links of other kernels", test_links_of_other_kernels},
        {"the folder stays where kernels are rpms", test_the_folder_stays_where_kernels_are_rpms},
        {"what leads elsewhere stays", test_what_leads_elsewhere_stays},
        {"links are found by where they lead", test_links_are_found_by_where_they_lead},
        {"links that are not found", test_links_that_are_not_found},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "weak-updates",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
