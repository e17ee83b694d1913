#include "toolchain/distro.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static enum distro_family family_of(const char *os_release) {
    return distro_parse(os_release, strlen(os_release));
}

static void test_the_id_decides_before_its_relatives(void) {
    CU_ASSERT_EQUAL(family_of("NAME=x\nID=debian\n"), DISTRO_DEBIAN);
    CU_ASSERT_EQUAL(family_of("ID=fedora\n"), DISTRO_FEDORA);
    CU_ASSERT_EQUAL(family_of("ID=azurelinux\n"), DISTRO_FEDORA);
    CU_ASSERT_EQUAL(family_of("ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n"), DISTRO_FEDORA);
    CU_ASSERT_EQUAL(family_of("ID='sles'\n"), DISTRO_SUSE);
    CU_ASSERT_EQUAL(family_of("ID=ubuntu\nID_LIKE=fedora\n"), DISTRO_DEBIAN);
    CU_ASSERT_EQUAL(family_of("ID=other\nID_LIKE=\"foo suse\"\n"), DISTRO_SUSE);
}

static void test_an_unknown_system_is_taken_for_debian(void) {
    CU_ASSERT_EQUAL(family_of(""), DISTRO_DEBIAN);
    CU_ASSERT_EQUAL(family_of("ID=plan9\n"), DISTRO_DEBIAN);
    CU_ASSERT_EQUAL(family_of("no key\n"), DISTRO_DEBIAN);
    CU_ASSERT_EQUAL(family_of("ID=fedoras\n"), DISTRO_DEBIAN);
}

static void test_a_roots_own_file_is_read(void) {
    struct root root = ROOT_INIT;
    scratch_root_make(&root);
    CU_ASSERT_EQUAL(distro_of_root(&root), DISTRO_DEBIAN);
    scratch_root_write(&root, "/usr/lib/os-release", "ID=fedora\n");
    CU_ASSERT_EQUAL(distro_of_root(&root), DISTRO_FEDORA);
    scratch_root_link(&root, "/etc/os-release", "../usr/lib/os-release-of-etc");
    scratch_root_write(&root, "/usr/lib/os-release-of-etc", "ID=sles\n");
    CU_ASSERT_EQUAL(distro_of_root(&root), DISTRO_SUSE);
    scratch_root_remove(&root);
}

static void test_this_machine_is_debian(void) {
    CU_ASSERT_EQUAL(distro_of_host(), DISTRO_DEBIAN);
    CU_ASSERT_STRING_EQUAL(distro_install_command(DISTRO_DEBIAN), "apt-get install");
    CU_ASSERT_STRING_EQUAL(distro_install_command(DISTRO_FEDORA), "dnf install");
    CU_ASSERT_STRING_EQUAL(distro_install_command(DISTRO_SUSE), "zypper install");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the id decides before its relatives", test_the_id_decides_before_its_relatives},
        {"an unknown system is taken for debian", test_an_unknown_system_is_taken_for_debian},
        {"a roots own file is read", test_a_roots_own_file_is_read},
        {"this machine is debian", test_this_machine_is_debian},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "distro", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
