#include "kmod/lifecycle/node_place.h"

#include <CUnit/Basic.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static char said[512];

static void listen(void *context, enum log_level level, const char *message) {
    (void)context;
    (void)level;
    snprintf(said, sizeof said, "%s", message);
}

static void set_up(void) {
    scratch_root_make(&root);
    log_set_sink(listen, NULL);
    said[0] = '\0';
}

static void tear_down(void) {
    log_set_sink(NULL, NULL);
    scratch_root_remove(&root);
}

/* This test has node_place.c in it: it passes for a prebake-node. */
static void put_program(void) {
    char self[PATH_MAX] = "";
    CU_ASSERT_TRUE(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    scratch_root_copy(&root, NODE_PLACE_PATH, self);
}

static void check_cleared(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(node_place_clear(&root, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, NODE_PLACE_PATH));
    CU_ASSERT_STRING_EQUAL(said, "");
}

static void check_stays(const char *reason) {
    struct error err = {0};
    CU_ASSERT_EQUAL(node_place_clear(&root, &err), 0);
    CU_ASSERT_TRUE(root_exists(&root, NODE_PLACE_PATH));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, NODE_PLACE_PATH " stays: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, reason));
}

static void test_a_bakes_program_goes(void) {
    put_program();
    check_cleared();
    check_cleared();
}

static void test_another_program_stays(void) {
    scratch_root_write(&root, NODE_PLACE_PATH, "#!/bin/sh\nexec prebake-node-1 \"$@\"\n");
    check_stays("another program");
}

static void test_what_is_no_file_of_roots_stays(void) {
    put_program();
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, NODE_PLACE_PATH), 65534, 0), 0);
    check_stays("not a file of root's");
    scratch_root_run("mv", scratch_root_host(&root, NODE_PLACE_PATH),
                     scratch_root_host(&root, "/usr/sbin/prebake-node-1"), NULL);
    scratch_root_link(&root, NODE_PLACE_PATH, "prebake-node-1");
    check_stays("not a file of root's");
    CU_ASSERT_TRUE(root_exists(&root, "/usr/sbin/prebake-node-1"));
}

static void test_a_packages_program_stays(void) {
    bool packaged = true;
    struct error err = {0};
    put_program();
    scratch_root_write(&root, "/var/lib/dpkg/info/other.list", "/.\n/usr\n/usr/sbin\n");
    CU_ASSERT_EQUAL(node_place_is_packaged(&root, &packaged, &err), 0);
    CU_ASSERT_FALSE(packaged);
    scratch_root_write(&root, "/var/lib/dpkg/info/prebake-node.list",
                       "/.\n/usr/sbin\n/usr/sbin/prebake-node\n");
    CU_ASSERT_EQUAL(node_place_is_packaged(&root, &packaged, &err), 0);
    CU_ASSERT_TRUE(packaged);
    check_stays("belongs to a package");
}

static void test_an_unreadable_list_is_an_error(void) {
    struct error err = {0};
    put_program();
    scratch_root_link(&root, "/var/lib/dpkg/info/other.list", "/nowhere");
    CU_ASSERT_EQUAL(node_place_clear(&root, &err), -ELOOP);
    CU_ASSERT_TRUE(root_exists(&root, NODE_PLACE_PATH));
}

static void test_packages_that_cant_be_read_have_none(void) {
    bool packaged = true;
    struct error err = {0};
    scratch_root_dir(&root, "/var/lib/rpm");
    CU_ASSERT_EQUAL(node_place_is_packaged(&root, &packaged, &err), 0);
    CU_ASSERT_FALSE(packaged);
    put_program();
    check_cleared();
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a bake's program goes", test_a_bakes_program_goes},
        {"another program stays", test_another_program_stays},
        {"what is no file of root's stays", test_what_is_no_file_of_roots_stays},
        {"a package's program stays", test_a_packages_program_stays},
        {"an unreadable list is an error", test_an_unreadable_list_is_an_error},
        {"packages that can't be read", test_packages_that_cant_be_read_have_none},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "node_place", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
