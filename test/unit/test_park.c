#include "kmod/lifecycle/park.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmod/lifecycle/activate.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/layout_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct error err;
static char *unbaked, *active;

static void begin(bool elsewhere) {
    err = (struct error){0};
    layout_fixture_make(&root);
    if (elsewhere)
        layout_fixture_mount_state(&root);
    unbaked = layout_fixture_snapshot(&root);
    layout_fixture_bake(&root);
    active = layout_fixture_snapshot(&root);
}

static void set_up(void) {
    begin(false);
}

static void tear_down(void) {
    free(unbaked);
    free(active);
    layout_fixture_remove(&root);
}

static int park(void) {
    const struct park_options options = {.lock_wait = 0};
    struct park_result result;
    err = (struct error){0};
    return park_run(&root, &options, &result, &err);
}

static int activate(void) {
    const struct activate_options options = {.lock_wait = 0};
    struct activate_result result;
    err = (struct error){0};
    return activate_run(&root, &options, &result, &err);
}

static void expect_state(const char *expected, enum state_word word) {
    AUTO_FREE char *now = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(now, expected);
    CU_ASSERT_EQUAL(layout_fixture_word(&root), word);
    CU_ASSERT_EQUAL(small_kernel_resolves(&root, "ours"), word == STATE_ACTIVE);
}

static void expect_parked(void) {
    expect_state(unbaked, STATE_PARKED);
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, "/usr"));
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, PARKED_STORE));
}

static void expect_active(void) {
    expect_state(active, STATE_ACTIVE);
    CU_ASSERT_FALSE(root_exists(&root, PARKED_STORE));
}

static void test_there_and_back(void) {
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(park(), 0);
        expect_parked();
        CU_ASSERT_EQUAL(activate(), 0);
        expect_active();
    }
}

static void test_parked_already(void) {
    const struct park_options options = {.lock_wait = 0};
    struct park_result result;
    CU_ASSERT_EQUAL(park_run(&root, &options, &result, &err), 0);
    CU_ASSERT_TRUE(result.acted);
    CU_ASSERT_EQUAL(park_run(&root, &options, &result, &err), 0);
    CU_ASSERT_FALSE(result.acted);
    expect_parked();
}

static void expect_refused(int rc, enum error_kind kind, const char *named) {
    CU_ASSERT_TRUE(rc < 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, named));
}

static void test_no_bake(void) {
    scratch_root_run("rm", "-r", scratch_root_host(&root, STATE_FOLDER), NULL);
    expect_refused(park(), ERROR_MISMATCH, "no bake");
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER));
    scratch_root_dir(&root, STATE_FOLDER);
    expect_refused(park(), ERROR_MISMATCH, "no bake");
}

/* One that could not be activated again is not parked. */
static void test_damaged(void) {
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_LINK)), 0);
    AUTO_FREE char *before = layout_fixture_snapshot(&root);
    expect_refused(park(), ERROR_DAMAGED, BAKED_LINK);
    expect_state(before, STATE_ACTIVE);
    CU_ASSERT_FALSE(root_exists(&root, PARKED_STORE));
}

static void test_a_teardown_has_begun(void) {
    layout_fixture_set_word(&root, STATE_TEARING_DOWN);
    expect_refused(park(), ERROR_INCOMPLETE, "teardown");
}

static void test_a_store_that_others_can_change(void) {
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_STORE), 0777), 0);
    expect_refused(park(), ERROR_REFUSED, STATE_FOLDER_STORE);
    CU_ASSERT_EQUAL(layout_fixture_word(&root), STATE_ACTIVE);
}

static void test_locked(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    CU_ASSERT_EQUAL(lock_take(&root, 0, &lock, &err), 0);
    expect_refused(park(), ERROR_LOCKED, "");
    lock_release(&lock);
    CU_ASSERT_EQUAL(park(), 0);
}

/* Somebody added a module and ran depmod: the real one makes the index anew, his module in it. */
static void test_a_changed_tree(void) {
    small_kernel_module(&root, SMALL_KERNEL_DIR "/extra/theirs.ko", "pci:v0000CCCCd*", NULL, NULL);
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
    CU_ASSERT_EQUAL(park(), 0);
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
    CU_ASSERT_EQUAL(activate(), 0);
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
}

/* "without" is copied back; the namespace is this program's own, so this comes last. */
static void test_store_on_another_file_system(void) {
    tear_down();
    begin(true);
    CU_ASSERT_EQUAL(park(), 0);
    expect_parked();
    CU_ASSERT_EQUAL(activate(), 0);
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    CU_ASSERT_TRUE(layout_fixture_has_privileges(&root, "/usr/bin"));
    CU_ASSERT_EQUAL(park(), 0);
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"there and back", test_there_and_back},
        {"parked already", test_parked_already},
        {"no bake", test_no_bake},
        {"damaged", test_damaged},
        {"a teardown has begun", test_a_teardown_has_begun},
        {"a store that others can change", test_a_store_that_others_can_change},
        {"locked", test_locked},
        {"a changed tree", test_a_changed_tree},
        {"store on another file system", test_store_on_another_file_system},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "park", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
