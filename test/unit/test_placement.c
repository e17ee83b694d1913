#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/system/placement.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static void check_folder(const char *os_release, const char *dest_location, const char *expected) {
    scratch_root_write(&root, "/etc/os-release", os_release);
    AUTO_FREE char *folder = NULL;
    struct error err = {0};
    CU_ASSERT_EQUAL(placement_folder(&root, dest_location, &folder, &err), 0);
    CU_ASSERT_STRING_EQUAL(folder ? folder : err.text, expected);
}

static void test_distributions_decide(void) {
    check_folder("NAME=\"Debian\"\nID=debian\n", "/kernel/video", "updates/dkms");
    check_folder("ID=ubuntu\nID_LIKE=debian\n", "/extra", "updates/dkms");
    check_folder("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "/updates", "extra");
    check_folder("ID='fedora'\n", "/updates/dkms", "extra");
    check_folder("ID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\n", "", "extra");
    check_folder("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "/extra", "updates");
    check_folder("ID=\"sles\"\nID_LIKE=\"suse\"\n", "/extra", "updates");
    check_folder("ID=archarm\nID_LIKE=arch\n", "/extra", "updates/dkms");
}

static void test_relatives_decide_for_an_unknown_one(void) {
    check_folder("ID=example\nID_LIKE=\"nothing debian\"\n", "/extra", "updates/dkms");
}

static void test_a_longer_word_is_another_distribution(void) {
    check_folder("ID=olpc\n", "/kernel/drivers", "kernel/drivers");
}

static void test_else_the_source_decides(void) {
    check_folder("ID=gentoo\n", "//kernel//drivers/video/", "kernel/drivers/video");
    check_folder("ID=gentoo\n", "/", "");
    check_folder("", "/extra", "extra");
}

static void test_a_location_that_climbs_is_refused(void) {
    static const char *const hostile[] = {"/../../etc", "..", "/kernel/./x", "kernel/.."};
    scratch_root_write(&root, "/etc/os-release", "ID=gentoo\n");
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        AUTO_FREE char *folder = NULL;
        struct error err = {0};
        CU_ASSERT_EQUAL(placement_folder(&root, hostile[i], &folder, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, hostile[i]));
    }
}

static void test_os_release_link_stays_inside(void) {
    scratch_root_write(&root, "/usr/lib/os-release", "ID=fedora\n");
    scratch_root_run("rm", "-f", scratch_root_host(&root, "/etc/os-release"), NULL);
    AUTO_FREE char *folder = NULL, *linked = NULL;
    struct error err = {0};
    CU_ASSERT_EQUAL(placement_folder(&root, "/x", &folder, &err), 0);
    CU_ASSERT_STRING_EQUAL(folder ? folder : err.text, "extra");
    /* Followed on this machine it would say debian. */
    scratch_root_link(&root, "/etc/os-release", "/usr/lib/os-release");
    CU_ASSERT_EQUAL(placement_folder(&root, "/x", &linked, &err), 0);
    CU_ASSERT_STRING_EQUAL(linked ? linked : err.text, "extra");
}

static void test_a_damaged_os_release_is_said(void) {
    scratch_root_run("rm", "-f", scratch_root_host(&root, "/etc/os-release"), NULL);
    scratch_root_write(&root, "/etc/os-release", "ID=debian\nno equals sign\n");
    AUTO_FREE char *folder = NULL;
    struct error err = {0};
    CU_ASSERT_NOT_EQUAL(placement_folder(&root, "/x", &folder, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "line 2"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"distributions decide", test_distributions_decide},
        {"relatives decide for an unknown one", test_relatives_decide_for_an_unknown_one},
        {"a longer word is another distribution", test_a_longer_word_is_another_distribution},
        {"else the source decides", test_else_the_source_decides},
        {"a location that climbs is refused", test_a_location_that_climbs_is_refused},
        {"os-release's link stays inside", test_os_release_link_stays_inside},
        {"a damaged os-release is said", test_a_damaged_os_release_is_said},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "placement", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
