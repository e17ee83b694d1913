#include "kmod/lifecycle/layout_change.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/layout_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct layout_change change;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    layout_fixture_make(&root);
    layout_fixture_bake(&root);
}

static void tear_down(void) {
    layout_change_release(&change);
    layout_fixture_remove(&root);
}

static void expect_refused(enum error_kind kind, const char *named) {
    CU_ASSERT_TRUE(layout_change_open(&change, &root, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, named));
}

static void test_open(void) {
    CU_ASSERT_EQUAL(layout_change_open(&change, &root, &err), 0);
    CU_ASSERT_EQUAL(change.word, STATE_ACTIVE);
    CU_ASSERT_FALSE(change.resumed || change.removal.context.copied);
    CU_ASSERT_STRING_EQUAL(change.marker.kernel, SMALL_KERNEL);
    CU_ASSERT_EQUAL(change.facts.placed_count, change.manifest.count);
}

/* Things lie in the store although the bake is not parked: a run was killed, and left half a copy.
 */
static void test_resumed(void) {
    static const char half[] = "/usr/bin/.ours-ping.prebake-move";
    scratch_root_dir(&root, PARKED_STORE);
    scratch_root_write(&root, half, "half a copy");
    CU_ASSERT_EQUAL(layout_change_open(&change, &root, &err), 0);
    CU_ASSERT_TRUE(change.resumed);
    CU_ASSERT_FALSE(root_exists(&root, half));
    layout_change_release(&change);
    layout_fixture_set_word(&root, STATE_PARKED);
    CU_ASSERT_EQUAL(layout_change_open(&change, &root, &err), 0);
    CU_ASSERT_FALSE(change.resumed);
}

static void test_no_bake(void) {
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, STATE_FOLDER_MARKER)), 0);
    expect_refused(ERROR_MISMATCH, "no bake");
}

static void test_a_teardown_has_begun(void) {
    layout_fixture_set_word(&root, STATE_TEARING_DOWN);
    expect_refused(ERROR_INCOMPLETE, "prebake-node teardown");
}

static void test_records_that_are_not_to_be_believed(void) {
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_STORE), 0757), 0);
    expect_refused(ERROR_REFUSED, STATE_FOLDER_STORE);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_STORE), 0700), 0);
    layout_change_release(&change);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, STATE_FOLDER_FACTS)), 0);
    expect_refused(ERROR_DAMAGED, STATE_FOLDER_FACTS);
}

static void test_say_and_publish(void) {
    CU_ASSERT_EQUAL(layout_change_open(&change, &root, &err), 0);
    CU_ASSERT_EQUAL(layout_change_say(&change, STATE_PARKING, &err), 0);
    CU_ASSERT_EQUAL(layout_fixture_word(&root), STATE_PARKING);
    change.facts.placed[0].inode = 7;
    CU_ASSERT_EQUAL(layout_change_publish(&change, STATE_PARKED, &err), 0);
    CU_ASSERT_EQUAL(layout_fixture_word(&root), STATE_PARKED);
    struct layout_records records;
    layout_fixture_read(&root, &records);
    CU_ASSERT_EQUAL(records.facts.placed[0].inode, 7);
    layout_fixture_release(&records);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"open", test_open},
        {"resumed", test_resumed},
        {"no bake", test_no_bake},
        {"a teardown has begun", test_a_teardown_has_begun},
        {"records that are not to be believed", test_records_that_are_not_to_be_believed},
        {"say and publish", test_say_and_publish},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "layout_change",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
