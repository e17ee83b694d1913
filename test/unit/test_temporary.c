#include "base/temporary.h"

#include <CUnit/Basic.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    scratch_root_make(&root);
    err = (struct error){0};
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static bool exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

static void test_private_and_new(void) {
    AUTO_TEMPORARY struct temporary first = {0}, second = {0};
    struct stat st = {0};
    mode_t old = umask(0);
    CU_ASSERT_EQUAL(temporary_make(root.path, &first, &err), 0);
    CU_ASSERT_EQUAL(temporary_make(root.path, &second, &err), 0);
    umask(old);
    CU_ASSERT_STRING_NOT_EQUAL(first.path, second.path);
    CU_ASSERT_EQUAL(lstat(first.path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0700);
}

static void test_removed_with_what_it_holds(void) {
    struct temporary folder = {0};
    AUTO_FREE char *below = NULL;
    CU_ASSERT_EQUAL(temporary_make(root.path, &folder, &err), 0);
    AUTO_FREE char *path = strdup(folder.path);
    CU_ASSERT_TRUE(asprintf(&below, "%s/below", folder.path) > 0);
    CU_ASSERT_EQUAL(mkdir(below, 0700), 0);
    temporary_remove(&folder);
    CU_ASSERT_FALSE(exists(path));
    CU_ASSERT_PTR_NULL(folder.path);
    temporary_remove(&folder);
}

static void test_one_that_was_moved_is_let_be(void) {
    struct temporary folder = {0};
    const char *place = scratch_root_host(&root, "/moved");
    CU_ASSERT_EQUAL(temporary_make(root.path, &folder, &err), 0);
    CU_ASSERT_EQUAL(rename(folder.path, place), 0);
    temporary_keep(&folder);
    CU_ASSERT_TRUE(exists(place));
}

/* What a run that was killed leaves: the folder, and a lock that went with the process. */
static void leave_one(bool use) {
    int ready[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct temporary folder = {0};
        if (temporary_make(root.path, &folder, &err) || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    char byte;
    CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    if (use) {
        AUTO_TEMPORARY struct temporary other = {0};
        CU_ASSERT_EQUAL(temporary_make(root.path, &other, &err), 0);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static size_t count(void) {
    AUTO_STRLIST struct strlist names = {0};
    CU_ASSERT_EQUAL(root_list(&root, "/", &names, &err), 0);
    return names.count;
}

static void test_what_a_killed_run_left_goes(void) {
    struct temporary folder = {0};
    leave_one(false);
    CU_ASSERT_EQUAL(count(), 1);
    CU_ASSERT_EQUAL(temporary_make(root.path, &folder, &err), 0);
    CU_ASSERT_EQUAL(count(), 1);
    temporary_remove(&folder);
    CU_ASSERT_EQUAL(count(), 0);
}

static void test_one_in_use_stays(void) {
    leave_one(true);
    CU_ASSERT_EQUAL(count(), 1);
}

static void test_what_others_have_stays(void) {
    AUTO_TEMPORARY struct temporary folder = {0};
    scratch_root_dir(&root, "/target");
    scratch_root_dir(&root, "/prebake-others");
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, "/prebake-others"), 7, 7), 0);
    scratch_root_write(&root, "/prebake-afile0", "a file");
    scratch_root_link(&root, "/prebake-alink0", "target");
    scratch_root_dir(&root, "/prebake-long-name");
    scratch_root_dir(&root, "/prebake-few");
    CU_ASSERT_EQUAL(temporary_make(root.path, &folder, &err), 0);
    CU_ASSERT_EQUAL(count(), 7);
}

static void test_the_base(void) {
    AUTO_TEMPORARY struct temporary none = {0};
    setenv("TMPDIR", "/elsewhere", 1);
    CU_ASSERT_STRING_EQUAL(temporary_base(), "/elsewhere");
    CU_ASSERT_EQUAL(temporary_make(NULL, &none, &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/elsewhere"));
    CU_ASSERT_PTR_NULL(none.path);
    setenv("TMPDIR", "relative", 1);
    CU_ASSERT_STRING_EQUAL(temporary_base(), "/var/tmp");
    unsetenv("TMPDIR");
    CU_ASSERT_STRING_EQUAL(temporary_base(), "/var/tmp");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"private and new", test_private_and_new},
        {"removed with what it holds", test_removed_with_what_it_holds},
        {"one that was moved is let be", test_one_that_was_moved_is_let_be},
        {"what a killed run left goes", test_what_a_killed_run_left_goes},
        {"one in use stays", test_one_in_use_stays},
        {"what others have stays", test_what_others_have_stays},
        {"the base", test_the_base},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "temporary", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
