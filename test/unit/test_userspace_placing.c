#include "builder/userspace_placing.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root, top;
static struct error err;
static struct placing placing;

/* A root with usr-merge, and a userspace that does not know of it. */
static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_make(&top);
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_write(&top, "/lib/firmware/x.bin", "firmware");
    scratch_root_write(&top, "/usr/bin/tool", "tool");
}

static void tear_down(void) {
    placing_release(&placing);
    scratch_root_remove(&root);
    scratch_root_remove(&top);
}

static int add(void) {
    AUTO_USERSPACE struct userspace userspace = USERSPACE_INIT;
    placing_release(&placing);
    CU_ASSERT_EQUAL(userspace_read(top.path, &userspace, &err), 0);
    return userspace_placing_add(&userspace, &root, &placing, &err);
}

static void test_canonical_places(void) {
    CU_ASSERT_EQUAL(
        link(scratch_root_host(&top, "/usr/bin/tool"), scratch_root_host(&top, "/usr/bin/two")), 0);
    scratch_root_link(&top, "/usr/bin/up", "../lib/firmware");
    CU_ASSERT_EQUAL(add(), 0);
    CU_ASSERT_EQUAL(placing.count, 4);
    CU_ASSERT_STRING_EQUAL(placing.items[0].path, "/usr/lib/firmware/x.bin");
    CU_ASSERT_EQUAL(placing.items[0].kind, PLACING_COPY);
    CU_ASSERT_EQUAL(placing.items[2].kind, PLACING_TWIN);
    CU_ASSERT_EQUAL(placing.items[2].twin, 1);
    AUTO_FREE char *dirs = strlist_join(&placing.dirs, " ");
    CU_ASSERT_STRING_EQUAL(dirs, "/usr/lib/firmware /usr/bin");
    CU_ASSERT_STRING_EQUAL(placing.models.items[1], scratch_root_host(&top, "/usr/bin"));
}

static void refused(const char *fact) {
    CU_ASSERT(add() < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fact));
}

static void test_links_that_leave_the_root(void) {
    static const char *const out[] = {"../../../x", "/..", "/usr/../../x", "../../usr/../../x",
                                      NULL};
    static const char *const in[] = {"../../x", "/usr/../x", "./tool", "/", "a/../..", NULL};
    for (size_t i = 0; out[i]; i++) {
        scratch_root_link(&top, "/usr/bin/link", out[i]);
        refused("leads out of the root");
        unlink(scratch_root_host(&top, "/usr/bin/link"));
    }
    for (size_t i = 0; in[i]; i++) {
        scratch_root_link(&top, "/usr/bin/link", in[i]);
        CU_ASSERT_EQUAL(add(), 0);
        unlink(scratch_root_host(&top, "/usr/bin/link"));
    }
    /* Its place is one deeper than its path. */
    scratch_root_link(&top, "/lib/link", "../../x");
    CU_ASSERT_EQUAL(add(), 0);
}

static void test_what_is_in_the_way(void) {
    scratch_root_write(&root, "/usr/bin/tool", "theirs");
    refused("/usr/bin/tool is already there");
    scratch_root_run("rm", "-r", scratch_root_host(&root, "/usr/bin"), NULL);
    scratch_root_write(&root, "/usr/bin", "theirs");
    refused("/usr/bin is already there and is no directory");
}

static void test_two_for_one_place(void) {
    scratch_root_write(&top, "/usr/lib/firmware/x.bin", "another");
    refused("/usr/lib/firmware/x.bin");
}

static void test_reserved_places(void) {
    static const char *const paths[] = {
        "/lib/modules/6.1/x.ko", "/var/lib/dkms/x", "/etc/ld.so.cache",
        "/var/lib/prebake/x",    "/dev/x",          "/tmp/x",
        "/usr/sbin/prebake-node"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        scratch_root_write(&top, paths[i], "");
        refused(paths[i]);
        unlink(scratch_root_host(&top, paths[i]));
    }
    scratch_root_write(&top, "/lib/modulesx", "");
    CU_ASSERT_EQUAL(add(), 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"canonical places", test_canonical_places},
        {"links that leave the root", test_links_that_leave_the_root},
        {"what is in the way", test_what_is_in_the_way},
        {"two for one place", test_two_for_one_place},
        {"reserved places", test_reserved_places},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "userspace_placing",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
