#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/journal.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"
#include "test/unit/facts_sample.h"
#include "test/unit/root_snapshot.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define PLACED "/usr/src/ours/file"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_write(&root, "/usr/src/theirs/file", "theirs");
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* As a bake leaves it that was killed after it had placed its one file. */
static void leave_half_a_bake(void) {
    AUTO_JOURNAL struct journal journal = {0};
    struct stat st;
    CU_ASSERT_EQUAL(state_folder_make(&root, NULL, &err), 0);
    CU_ASSERT_EQUAL(state_word_write(&root, STATE_ACTIVATING, &err), 0);
    CU_ASSERT_EQUAL(journal_begin(&journal, &err), 0);
    CU_ASSERT_EQUAL(strlist_add(&journal.dirs, "/usr/src/ours"), 0);
    CU_ASSERT_EQUAL(journal_add_item(&journal, PLACED, &err), 0);
    scratch_root_write(&root, PLACED, "ours");
    CU_ASSERT_EQUAL(root_stat(&root, PLACED, &st), 0);
    journal.items[0].inode = st.st_ino;
    CU_ASSERT_EQUAL(journal_write(&root, &journal, &err), 0);
}

static void write_marker(void) {
    const struct marker marker = {.kernel = "6.1", .manifest_sha256 = FACTS_SAMPLE_DIGEST};
    CU_ASSERT_EQUAL(marker_write(&root, &marker, &err), 0);
}

static void recover(void) {
    CU_ASSERT_EQUAL(bake_recover(&root, &err), 0);
}

static void test_half_a_bake_is_taken_back(void) {
    leave_half_a_bake();
    CU_ASSERT_TRUE(bake_is_unfinished(&root));
    recover();
    CU_ASSERT_FALSE(root_exists(&root, "/usr/src/ours"));
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER));
    CU_ASSERT_TRUE(root_exists(&root, "/usr/src/theirs/file"));
    CU_ASSERT_FALSE(bake_is_unfinished(&root));
}

/* Somebody's whole bake: its records are not leftovers. */
static void test_a_bake_with_a_marker_stays(void) {
    leave_half_a_bake();
    write_marker();
    AUTO_FREE char *before = root_snapshot(&root);
    CU_ASSERT_FALSE(bake_is_unfinished(&root));
    recover();
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

static void test_nothing_to_recover(void) {
    AUTO_FREE char *before = root_snapshot(&root);
    CU_ASSERT_FALSE(bake_is_unfinished(&root));
    recover();
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

/* Killed between its marker and its state word. */
static void test_the_end_of_a_teardown(void) {
    CU_ASSERT_EQUAL(state_folder_make(&root, NULL, &err), 0);
    CU_ASSERT_FALSE(bake_is_unfinished(&root));
    CU_ASSERT_EQUAL(state_word_write(&root, STATE_TEARING_DOWN, &err), 0);
    CU_ASSERT_TRUE(bake_is_unfinished(&root));
    recover();
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"half a bake is taken back", test_half_a_bake_is_taken_back},
        {"a bake with a marker stays", test_a_bake_with_a_marker_stays},
        {"nothing to recover", test_nothing_to_recover},
        {"the end of a teardown", test_the_end_of_a_teardown},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "bake_recovery",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
