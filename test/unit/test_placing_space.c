#include "kmod/lifecycle/placing_space.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/mount.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define SMALL "/usr/lib/small" /* a file system of 4 MiB */

static struct root root;
static struct error err;
static struct placing placing;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, SMALL);
    CU_ASSERT_EQUAL(mount("tmpfs", scratch_root_host(&root, SMALL), "tmpfs", 0, "size=4m"), 0);
    scratch_root_write(&root, "/large", "");
    scratch_root_run("truncate", "-s2M", scratch_root_host(&root, "/large"), NULL);
}

static void tear_down(void) {
    placing_release(&placing);
    CU_ASSERT_EQUAL(umount(scratch_root_host(&root, SMALL)), 0);
    scratch_root_remove(&root);
}

static void add(const char *path) {
    CU_ASSERT_EQUAL(
        placing_add_copy(&placing, &root, path, scratch_root_host(&root, "/large"), &err), 0);
}

static void test_room(void) {
    add(SMALL "/a");
    CU_ASSERT_EQUAL(placing_add_twin(&placing, &root, SMALL "/b", 0, &err), 0);
    CU_ASSERT_EQUAL(placing_space_check(&placing, &root, &err), 0);
}

/* In a folder that is not there yet. */
static void test_no_room(void) {
    add(SMALL "/new/folder/a");
    add(SMALL "/new/folder/b");
    add("/usr/elsewhere");
    CU_ASSERT_EQUAL(placing_space_check(&placing, &root, &err), -ENOSPC);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_SPACE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, SMALL ": 5.0 MiB are needed"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "4.0 MiB are free"));
}

static void test_content_counts(void) {
    for (int i = 0; i < 4; i++) {
        AUTO_BUFFER struct buffer content = {0};
        char path[64];
        snprintf(path, sizeof path, SMALL "/%d", i);
        CU_ASSERT_EQUAL(buffer_reserve(&content, 1 << 20), 0);
        content.size = 1 << 20;
        CU_ASSERT_EQUAL(placing_add_file(&placing, &root, path, &content, 0644, &err), 0);
    }
    CU_ASSERT_EQUAL(placing_space_check(&placing, &root, &err), -ENOSPC);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"room", test_room},
        {"no room", test_no_room},
        {"content counts", test_content_counts},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "placing_space",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
