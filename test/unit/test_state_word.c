#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void test_each_word_comes_back(void) {
    struct error err = {0};
    for (int word = STATE_NONE; word <= STATE_TEARING_DOWN; word++) {
        enum state_word found = STATE_NONE;
        CU_ASSERT_EQUAL(state_word_write(&root, (enum state_word)word, &err), 0);
        CU_ASSERT_EQUAL(state_word_read(&root, &found, &err), 0);
        CU_ASSERT_EQUAL((int)found, word);
    }
}

static void test_no_file_and_no_folder_are_none(void) {
    struct error err = {0};
    enum state_word word = STATE_ACTIVE;
    CU_ASSERT_EQUAL(state_word_read(&root, &word, &err), 0);
    CU_ASSERT_EQUAL(word, STATE_NONE);
    scratch_root_run("rm", "-rf", scratch_root_host(&root, "/var"), NULL);
    word = STATE_ACTIVE;
    CU_ASSERT_EQUAL(state_word_read(&root, &word, &err), 0);
    CU_ASSERT_EQUAL(word, STATE_NONE);
}

static void test_none_removes_the_file(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(state_word_write(&root, STATE_PARKED, &err), 0);
    CU_ASSERT_EQUAL(state_word_write(&root, STATE_NONE, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER_WORD));
    CU_ASSERT_EQUAL(state_word_write(&root, STATE_NONE, &err), 0);
}

static void test_anything_else_is_damage(void) {
    static const char *const texts[] = {"",       "active",           "Active\n",  "active\n\n",
                                        "none\n", "active\nparked\n", " active\n", "deleted\n"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct error err = {0};
        enum state_word word;
        scratch_root_write(&root, STATE_FOLDER_WORD, texts[i]);
        CU_ASSERT_EQUAL(state_word_read(&root, &word, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    }
}

static void test_a_word_that_others_may_write_is_refused(void) {
    struct error err = {0};
    enum state_word word;
    CU_ASSERT_EQUAL(state_word_write(&root, STATE_PARKED, &err), 0);
    chmod(scratch_root_host(&root, STATE_FOLDER_WORD), 0666);
    CU_ASSERT_NOT_EQUAL(state_word_read(&root, &word, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

static void test_names_are_those_of_the_contract(void) {
    CU_ASSERT_STRING_EQUAL(state_word_name(STATE_TEARING_DOWN), "tearing-down");
    CU_ASSERT_STRING_EQUAL(state_word_name(STATE_NONE), "none");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"each word comes back", test_each_word_comes_back},
        {"no file and no folder are none", test_no_file_and_no_folder_are_none},
        {"none removes the file", test_none_removes_the_file},
        {"anything else is damage", test_anything_else_is_damage},
        {"a word that others may write is refused", test_a_word_that_others_may_write_is_refused},
        {"names are those of the contract", test_names_are_those_of_the_contract},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "state_word", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
