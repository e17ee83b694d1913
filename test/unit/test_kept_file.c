#include "kmod/system/kept_file.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "base/file.h"
#include "test/unit/root_snapshot.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root;
static struct error err;
static int place, kept;
static char *before;

static void open_both(void) {
    CU_ASSERT_EQUAL(root_open_dir(&root, "/place", &place, &err), 0);
    CU_ASSERT_EQUAL(root_open_dir(&root, "/kept", &kept, &err), 0);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, "/kept");
    scratch_root_write(&root, "/place/file", "before");
    scratch_root_run("touch", "-d2020-01-02", scratch_root_host(&root, "/place/file"), NULL);
    before = root_snapshot(&root);
}

static void tear_down(void) {
    free(before);
    close(place);
    close(kept);
    scratch_root_remove(&root);
}

static void replace(void) {
    const struct file_meta meta = FILE_META_DEFAULT;
    CU_ASSERT_EQUAL(file_publish(&root, "/place/file", "after", 5, &meta, &err), 0);
}

static void put_back(void) {
    CU_ASSERT_EQUAL(kept_file_put_back(kept, place, "file", &err), 0);
    CU_ASSERT_EQUAL(kept_file_put_back(kept, place, "file", &err), 0);
}

static void check_same(void) {
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_comes_back(void) {
    open_both();
    CU_ASSERT_EQUAL(kept_file_keep(place, kept, "file", &err), 0);
    replace();
    put_back();
    check_same();
}

/* rename(2) does nothing when both are names of one file. */
static void test_nothing_took_its_place(void) {
    open_both();
    CU_ASSERT_EQUAL(kept_file_keep(place, kept, "file", &err), 0);
    put_back();
    check_same();
}

static void test_another_file_system(void) {
    const char *folder = scratch_root_host(&root, "/kept");
    CU_ASSERT_EQUAL(mount("tmpfs", folder, "tmpfs", 0, "size=1m"), 0);
    open_both();
    CU_ASSERT_EQUAL(kept_file_keep(place, kept, "file", &err), 0);
    replace();
    scratch_root_write(&root, "/place/.file.prebake-00000000", "of a run that was killed");
    put_back();
    struct stat st;
    CU_ASSERT_EQUAL(root_stat(&root, "/place/file", &st), 0);
    CU_ASSERT_EQUAL(st.st_size, 6);
    CU_ASSERT(st.st_mtim.tv_sec < 1600000000);
    CU_ASSERT_FALSE(root_exists(&root, "/place/.file.prebake-00000000"));
    CU_ASSERT_FALSE(root_exists(&root, "/kept/file"));
    CU_ASSERT_EQUAL(umount2(folder, MNT_DETACH), 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"comes back", test_comes_back},
        {"nothing took its place", test_nothing_took_its_place},
        {"another file system", test_another_file_system},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "kept_file", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
