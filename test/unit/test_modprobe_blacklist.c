#include "kmod/system/modprobe_blacklist.h"

#include <CUnit/Basic.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static bool has(const char *module) {
    struct error err = {0};
    bool found = false;
    CU_ASSERT_EQUAL(modprobe_blacklist_has(&root, module, &found, &err), 0);
    return found;
}

static bool has_with(const char *path, const char *text) {
    scratch_root_write(&root, path, text);
    bool found = has("nova_core");
    unlink(scratch_root_host(&root, path));
    return found;
}

static void test_lines(void) {
    CU_ASSERT_FALSE(has("nova_core"));
    CU_ASSERT(has_with("/etc/modprobe.d/x.conf", "blacklist nova_core\n"));
    CU_ASSERT(has_with("/etc/modprobe.d/x.conf", "# text\n\t blacklist \tnova-core  "));
    CU_ASSERT(has_with("/etc/modprobe.d/x.conf", "install nova_core /bin/false\n"));
    CU_ASSERT(has_with("/etc/modprobe.d/x.conf", "blacklist \\\n nova_core\n"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.d/x.conf", "# blacklist nova_core\n"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.d/x.conf", "blacklist nova_core_x\nblacklist nova\n"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.d/x.conf", "blacklistnova_core\nblacklist\n"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.d/x.conf", "options nova_core blacklist=1\n"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.d/x.conf", "blacklist\nnova_core\n"));
}

static void test_folders(void) {
    CU_ASSERT(has_with("/usr/lib/modprobe.d/x.conf", "blacklist nova_core"));
    CU_ASSERT(has_with("/lib/modprobe.d/x.conf", "blacklist nova_core"));
    CU_ASSERT(has_with("/run/modprobe.d/x.conf", "blacklist nova_core"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.d/x.conf.bak", "blacklist nova_core"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.d/.conf", "blacklist nova_core"));
    CU_ASSERT_FALSE(has_with("/etc/modprobe.conf", "blacklist nova_core"));
}

/* A link into the root is followed, one that leads nowhere is passed over. */
static void test_links(void) {
    scratch_root_link(&root, "/etc/modprobe.d/a.conf", "nowhere");
    scratch_root_link(&root, "/etc/modprobe.d/b.conf", "/opt/b");
    scratch_root_write(&root, "/opt/b", "blacklist nova_core");
    CU_ASSERT(has("nova_core"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"lines", test_lines},
        {"folders", test_folders},
        {"links", test_links},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "modprobe_blacklist",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
