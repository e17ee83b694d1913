#include "kmod/lifecycle/journal.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/state_folder.h"
#include "test/unit/root_snapshot.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct journal journal;
static struct error err;

static void set_up(void) {
    scratch_root_make(&root);
    err = (struct error){0};
    CU_ASSERT_EQUAL(state_folder_make(&root, NULL, &err), 0);
    CU_ASSERT_EQUAL(journal_begin(&journal, &err), 0);
}

static void tear_down(void) {
    journal_release(&journal);
    scratch_root_remove(&root);
}

static void add_item(const char *path, uint64_t inode) {
    CU_ASSERT_EQUAL(journal_add_item(&journal, path, &err), 0);
    journal.items[journal.item_count - 1].inode = inode;
}

static void add_dir(const char *path) {
    CU_ASSERT_EQUAL(strlist_add(&journal.dirs, path), 0);
}

static uint64_t inode_of(const char *path) {
    struct stat st = {0};
    CU_ASSERT_EQUAL(root_stat(&root, path, &st), 0);
    return st.st_ino;
}

static void check_there(const char *path, bool expected) {
    if (root_exists(&root, path) != expected) {
        fprintf(stderr, "%s\n", path);
        CU_FAIL("a path is there that should not be, or the other way round");
    }
}

/* --- writing and reading */

static void test_a_token_is_new_each_time(void) {
    struct journal other;
    CU_ASSERT_EQUAL(strspn(journal.token, "0123456789abcdef"), JOURNAL_TOKEN_SIZE - 1);
    CU_ASSERT_EQUAL(journal_begin(&other, &err), 0);
    CU_ASSERT_STRING_NOT_EQUAL(journal.token, other.token);
}

static void test_temporaries_stand_beside_their_place(void) {
    char expected[64];
    AUTO_FREE char *deep = journal_temporary(&journal, "/usr/lib/x.ko");
    snprintf(expected, sizeof expected, "/usr/lib/.x.ko.prebake-%s", journal.token);
    CU_ASSERT_STRING_EQUAL(deep, expected);
    AUTO_FREE char *top = journal_temporary(&journal, "/x");
    snprintf(expected, sizeof expected, "/.x.prebake-%s", journal.token);
    CU_ASSERT_STRING_EQUAL(top, expected);
    char name[257] = "/";
    memset(name + 1, 'n', 255);
    AUTO_FREE char *longest = journal_temporary(&journal, name);
    CU_ASSERT_TRUE(strlen(longest) <= 256);
}

static void test_what_is_written_is_read(void) {
    AUTO_JOURNAL struct journal read = {0};
    struct stat st = {0};
    add_dir("/usr/lib/modules/6.1/updates");
    add_dir("/usr/lib/modules/6.1/updates/\xc3\xa9 \"x\"");
    add_item("/usr/lib/modules/6.1/updates/a.ko", UINT64_MAX - 5);
    add_item("/var/lib/dkms/x", 0);
    CU_ASSERT_EQUAL(strlist_add(&journal.kernels, "6.1"), 0);
    CU_ASSERT_EQUAL(journal_write(&root, &journal, &err), 0);
    CU_ASSERT_EQUAL(journal_read(&root, &read, &err), 0);
    CU_ASSERT_STRING_EQUAL(read.token, journal.token);
    CU_ASSERT_EQUAL(read.dirs.count, 2);
    CU_ASSERT_STRING_EQUAL(read.dirs.items[1], journal.dirs.items[1]);
    CU_ASSERT_EQUAL(read.item_count, 2);
    CU_ASSERT_STRING_EQUAL(read.items[0].path, journal.items[0].path);
    CU_ASSERT_EQUAL(read.items[0].inode, UINT64_MAX - 5);
    CU_ASSERT_EQUAL(read.items[1].inode, 0);
    CU_ASSERT_EQUAL(read.kernels.count, 1);
    CU_ASSERT_STRING_EQUAL(read.kernels.items[0], "6.1");
    CU_ASSERT_EQUAL(root_stat(&root, STATE_FOLDER_JOURNAL, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 022, 0);
}

/* A path that the journal can't hold must not be placed and then forgotten. */
static void test_what_cannot_be_written_is_an_error(void) {
    add_item("/usr/lib/latin-\xe9.ko", 5);
    CU_ASSERT_NOT_EQUAL(journal_write(&root, &journal, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "latin-"));
    journal_release(&journal);
    CU_ASSERT_EQUAL(journal_begin(&journal, &err), 0);
    add_dir("/usr/lib/\xff");
    CU_ASSERT_NOT_EQUAL(journal_write(&root, &journal, &err), 0);
    check_there(STATE_FOLDER_JOURNAL, false);
}

static void test_no_journal_is_silent(void) {
    AUTO_JOURNAL struct journal read = {0};
    CU_ASSERT_EQUAL(journal_read(&root, &read, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    scratch_root_run("rm", "-r", scratch_root_host(&root, "/var"), NULL);
    CU_ASSERT_EQUAL(journal_read(&root, &read, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

static void check_damaged(const char *text) {
    AUTO_JOURNAL struct journal read = {0};
    scratch_root_write(&root, STATE_FOLDER_JOURNAL, text);
    int rc = journal_read(&root, &read, &err);
    if (rc != -EBADMSG || err.kind != ERROR_DAMAGED) {
        fprintf(stderr, "%s\n", text);
        CU_FAIL("a damaged journal was read");
    }
    CU_ASSERT_EQUAL(read.item_count, 0);
    CU_ASSERT_PTR_NULL(read.items);
    CU_ASSERT_PTR_NULL(read.dirs.items);
}

#define JOURNAL(token, dirs, items, kernels)                                                       \
    "{\"format\":1,\"token\":" token ",\"dirs\":" dirs ",\"items\":" items ",\"kernels\":" kernels \
    "}"

static void test_damage_is_told(void) {
    AUTO_JOURNAL struct journal read = {0};
    scratch_root_write(&root, STATE_FOLDER_JOURNAL,
                       JOURNAL("\"0123abcd\"", "[\"/a\"]", "[[\"/a/b\",7]]", "[\"6.1\"]"));
    CU_ASSERT_EQUAL(journal_read(&root, &read, &err), 0);
    static const char *const damaged[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"format\":1}",
        "{\"format\":2,\"token\":\"0123abcd\",\"dirs\":[],\"items\":[],\"kernels\":[]}",
        "{\"format\":1,\"format\":1,\"token\":\"0123abcd\",\"dirs\":[],\"items\":[],"
        "\"kernels\":[]}",
        JOURNAL("\"0123abc\"", "[]", "[]", "[]"),
        JOURNAL("\"0123abcde\"", "[]", "[]", "[]"),
        JOURNAL("\"0123ABCD\"", "[]", "[]", "[]"),
        JOURNAL("\"../../..\"", "[]", "[]", "[]"),
        JOURNAL("12345678", "[]", "[]", "[]"),
        JOURNAL("\"0123abcd\"", "{}", "[]", "[]"),
        JOURNAL("\"0123abcd\"", "[\"/\"]", "[]", "[]"),
        JOURNAL("\"0123abcd\"", "[\"/a/../b\"]", "[]", "[]"),
        JOURNAL("\"0123abcd\"", "[\"a\"]", "[]", "[]"),
        JOURNAL("\"0123abcd\"", "[1]", "[]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "{}", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[\"/a\"]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[[]]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[[\"/a\"]]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[[\"/a\",\"1\"]]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[[\"/a\",1.5]]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[[\"/a/\",1]]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[[\"/ok\",1],[\"/a/..\",1]]", "[]"),
        JOURNAL("\"0123abcd\"", "[]", "[]", "[\"../6.1\"]"),
        JOURNAL("\"0123abcd\"", "[]", "[]", "[\"\"]"),
        JOURNAL("\"0123abcd\"", "[]", "[]", "null"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++)
        check_damaged(damaged[i]);
}

static void test_only_ours_is_believed(void) {
    AUTO_JOURNAL struct journal read = {0};
    CU_ASSERT_EQUAL(journal_write(&root, &journal, &err), 0);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_JOURNAL), 0666), 0);
    CU_ASSERT_EQUAL(journal_read(&root, &read, &err), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

/* --- rolling back */

static void test_all_that_was_made_goes(void) {
    AUTO_FREE char *before = NULL, *after = NULL;
    scratch_root_write(&root, "/usr/lib/theirs", "");
    before = root_snapshot(&root);
    scratch_root_write(&root, "/usr/lib/new/deep/placed", "");
    scratch_root_write(&root, "/usr/lib/tree/a/b", "");
    scratch_root_link(&root, "/usr/lib/link", "theirs");
    add_dir("/usr/lib/new");
    add_dir("/usr/lib/new/deep");
    add_item("/usr/lib/new/deep/placed", inode_of("/usr/lib/new/deep/placed"));
    add_item("/usr/lib/tree", inode_of("/usr/lib/tree"));
    add_item("/usr/lib/link", inode_of("/usr/lib/link"));
    add_item("/usr/lib/new/deep/half", 0);
    AUTO_FREE char *temporary = journal_temporary(&journal, "/usr/lib/new/deep/half");
    scratch_root_write(&root, temporary, "half");
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), 0);
    after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), 0);
}

static void test_what_is_somebody_elses_stays(void) {
    scratch_root_write(&root, "/new/not-made-yet", "");
    scratch_root_write(&root, "/new/other-inode", "");
    scratch_root_write(&root, "/new/unknown", "");
    scratch_root_write(&root, "/new/.other-inode.prebake-ffffffff", "");
    add_dir("/new");
    add_item("/new/not-made-yet", 0);
    add_item("/new/other-inode", inode_of("/new/other-inode") + 1000000);
    strcpy(journal.token, "00000000");
    AUTO_FREE char *before = root_snapshot(&root);
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), 0);
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

/* Where directories were to be, somebody has put something else meanwhile: it is not in our way. */
static void test_files_in_place_of_directories(void) {
    scratch_root_write(&root, "/new", "");
    scratch_root_link(&root, "/link", "new");
    add_dir("/new");
    add_dir("/new/deep");
    add_dir("/link");
    add_dir("/link/deep");
    add_item("/new/deep/a", 0);
    add_item("/new/b", 7);
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), 0);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    check_there("/new", true);
    check_there("/link", true);
}

static void test_it_goes_on_past_a_failure(void) {
    scratch_root_write(&root, "/a/placed", "");
    scratch_root_write(&root, "/b/placed", "");
    scratch_root_write(&root, "/c/placed", "");
    add_item("/a/placed", inode_of("/a/placed"));
    add_item("/b/placed", inode_of("/b/placed"));
    add_item("/c/placed", inode_of("/c/placed"));
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/b"), 0777), 0);
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), -EPERM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/b/"));
    check_there("/a/placed", false);
    check_there("/b/placed", true);
    check_there("/c/placed", false);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/b"), 0755), 0);
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), 0);
    check_there("/b/placed", false);
}

static void test_links_are_not_followed(void) {
    scratch_root_write(&root, "/target/file", "");
    scratch_root_link(&root, "/placed", "target");
    add_item("/placed", inode_of("/target"));
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), 0);
    check_there("/target/file", true);
    check_there("/placed", true);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a token is new each time", test_a_token_is_new_each_time},
        {"temporaries stand beside their place", test_temporaries_stand_beside_their_place},
        {"what is written is read", test_what_is_written_is_read},
        {"what cannot be written is an error", test_what_cannot_be_written_is_an_error},
        {"no journal is silent", test_no_journal_is_silent},
        {"damage is told", test_damage_is_told},
        {"only ours is believed", test_only_ours_is_believed},
        {"all that was made goes", test_all_that_was_made_goes},
        {"what is somebody elses stays", test_what_is_somebody_elses_stays},
        {"files in place of directories", test_files_in_place_of_directories},
        {"it goes on past a failure", test_it_goes_on_past_a_failure},
        {"links are not followed", test_links_are_not_followed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "journal", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
