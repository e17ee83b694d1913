#include "kmod/system/package_owner.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root;
static struct strlist paths, owned;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    strlist_release(&paths);
    strlist_release(&owned);
    paths = owned = (struct strlist){0};
    scratch_root_remove(&root);
}

static int find(struct error *err) {
    strlist_release(&owned);
    owned = (struct strlist){0};
    return package_owner_find(&root, &paths, &owned, err);
}

static void ask_for(const char *path) {
    CU_ASSERT_EQUAL_FATAL(strlist_add(&paths, path), 0);
}

static bool is_owned(const char *path) {
    struct error err = {0};
    strlist_release(&paths);
    paths = (struct strlist){0};
    ask_for(path);
    CU_ASSERT_EQUAL(find(&err), 0);
    return owned.count == 1 && !strcmp(owned.items[0], path);
}

static void test_lists(void) {
    scratch_root_write(&root, "/var/lib/dpkg/info/base.list", "/.\n/usr\n/usr/bin\n/usr/bin/ls\n");
    scratch_root_write(&root, "/var/lib/dpkg/info/nvidia-smi:amd64.list",
                       "/.\n/usr/bin/nvidia-smi\n");
    scratch_root_write(&root, "/var/lib/dpkg/info/other.md5sums",
                       "0123  usr/bin/nvidia-modprobe\n");
    scratch_root_write(&root, "/var/lib/dpkg/info/other.conffiles", "/usr/bin/nvidia-settings\n");
    ask_for("/usr/bin/nvidia-smi");
    ask_for("/usr/bin/nvidia-modprobe");
    ask_for("/usr/bin/nvidia-settings");
    ask_for("/usr/bin/ls");
    ask_for("/usr/bin/l");
    ask_for("/usr/bin/ls/x");
    struct error err = {0};
    CU_ASSERT_EQUAL(find(&err), 0);
    CU_ASSERT_EQUAL(owned.count, 2);
    CU_ASSERT(strlist_contains(&owned, "/usr/bin/nvidia-smi"));
    CU_ASSERT(strlist_contains(&owned, "/usr/bin/ls"));
}

/* Packages name files by /lib or by /usr/lib, and on a merged /usr these are one. */
static void test_merged_usr(void) {
    scratch_root_write(&root, "/var/lib/dpkg/info/a.list",
                       "/lib/modules/6.1/updates/dkms/nvidia.ko\n/usr/sbin/depmod\n/etc/bin/x");
    CU_ASSERT(is_owned("/usr/lib/modules/6.1/updates/dkms/nvidia.ko"));
    CU_ASSERT(is_owned("/sbin/depmod"));
    CU_ASSERT(is_owned("/etc/bin/x"));
    CU_ASSERT_FALSE(is_owned("/usr/etc/bin/x"));
    CU_ASSERT_FALSE(is_owned("/usr/local/sbin/depmod"));
}

static void test_diversions(void) {
    scratch_root_write(&root, "/var/lib/dpkg/info/a.list", "/usr/bin/tool\n");
    scratch_root_write(&root, "/var/lib/dpkg/diversions",
                       "/usr/bin/other\n/usr/bin/other.distrib\nx\n"
                       "/usr/bin/tool\n/usr/bin/tool.distrib\nnvidia-alternative\n");
    CU_ASSERT(is_owned("/usr/bin/tool"));
    CU_ASSERT(is_owned("/usr/bin/tool.distrib"));
    CU_ASSERT_FALSE(is_owned("/usr/bin/other"));
}

static void test_no_packages(void) {
    CU_ASSERT_FALSE(is_owned("/usr/bin/nvidia-smi"));
    scratch_root_dir(&root, "/var/lib/rpm");
    struct error err = {0};
    CU_ASSERT_EQUAL(find(&err), -ENOTSUP);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/var/lib/rpm"));
}

static void test_nothing_asked(void) {
    struct error err = {0};
    scratch_root_dir(&root, "/var/lib/rpm");
    CU_ASSERT_EQUAL(find(&err), 0);
    CU_ASSERT_EQUAL(owned.count, 0);
}

static void test_bad_lists(void) {
    struct error err = {0};
    ask_for("/usr/bin/ls");
    scratch_root_write_bytes(&root, "/var/lib/dpkg/info/a.list", "/usr/bin/ls\n\0\n", 14);
    CU_ASSERT_EQUAL(find(&err), -EBADMSG);
    scratch_root_run("rm", scratch_root_host(&root, "/var/lib/dpkg/info/a.list"), NULL);
    scratch_root_link(&root, "/var/lib/dpkg/info/a.list", "/etc/passwd");
    CU_ASSERT_EQUAL(find(&err), -ELOOP);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a.list"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what the lists name", test_lists},
        {"a merged /usr", test_merged_usr},
        {"diversions", test_diversions},
        {"a root without dpkg", test_no_packages},
        {"no paths", test_nothing_asked},
        {"lists that can't be read", test_bad_lists},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "package_owner",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
