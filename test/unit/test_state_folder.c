#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static const char *folder;

static void set_up(void) {
    scratch_root_make(&root);
    folder = scratch_root_host(&root, STATE_FOLDER);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void make(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(state_folder_make(&root, NULL, &err), 0);
}

static int open_it(struct error *err) {
    AUTO_CLOSE int fd = -1;
    *err = (struct error){0};
    return state_folder_open(&root, &fd, err);
}

static void check_refused(const char *fact) {
    struct error err;
    CU_ASSERT_NOT_EQUAL(open_it(&err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fact));
    err = (struct error){0};
    CU_ASSERT_NOT_EQUAL(state_folder_make(&root, NULL, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

static void test_missing_is_nothing(void) {
    struct error err;
    CU_ASSERT_EQUAL(open_it(&err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    CU_ASSERT_NOT_EQUAL(access(scratch_root_host(&root, "/var"), F_OK), 0);
}

static void test_made_private_whatever_the_umask(void) {
    AUTO_STRLIST struct strlist created = {0};
    struct error err = {0};
    struct stat st;
    mode_t old = umask(0);
    CU_ASSERT_EQUAL(state_folder_make(&root, &created, &err), 0);
    umask(old);
    CU_ASSERT_EQUAL(created.count, 3);
    CU_ASSERT_TRUE(strlist_contains(&created, "/var/lib"));
    CU_ASSERT_TRUE(strlist_contains(&created, STATE_FOLDER));
    CU_ASSERT_EQUAL(stat(folder, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0700);
    CU_ASSERT_EQUAL(stat(scratch_root_host(&root, "/var/lib"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0755);
    make(); /* once more changes nothing */
    CU_ASSERT_EQUAL(open_it(&err), 0);
}

static void test_a_link_in_its_place_is_refused(void) {
    scratch_root_dir(&root, "/var/lib/elsewhere");
    scratch_root_link(&root, STATE_FOLDER, "elsewhere");
    check_refused("not a directory itself");
}

static void test_a_file_in_its_place_is_refused(void) {
    scratch_root_write(&root, STATE_FOLDER, "");
    check_refused("not a directory itself");
}

static void test_another_owner_is_refused(void) {
    make();
    CU_ASSERT_EQUAL(chown(folder, 65534, 65534), 0);
    check_refused("not owned by root");
}

static void test_writable_by_others_is_refused(void) {
    make();
    chmod(folder, 0770);
    check_refused("writable by group or others");
    chmod(folder, 01777);
    check_refused("writable by group or others");
}

static void test_a_parent_that_others_write_is_refused(void) {
    make();
    chmod(scratch_root_host(&root, "/var/lib"), 0777);
    check_refused("writable by others");
}

static void check_store(int expected, const char *fact) {
    struct error err = {0};
    CU_ASSERT_EQUAL(state_folder_check_store(&root, &err), expected);
    CU_ASSERT_EQUAL(err.kind, fact ? ERROR_REFUSED : ERROR_NONE);
    if (fact)
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fact));
}

static void test_the_store_is_a_directory_or_none(void) {
    make();
    check_store(0, NULL);
    scratch_root_link(&root, STATE_FOLDER_STORE, "/usr");
    check_store(-EPERM, "not a directory");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, STATE_FOLDER_STORE)), 0);
    scratch_root_dir(&root, STATE_FOLDER_STORE);
    check_store(0, NULL);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_STORE), 0770), 0);
    check_store(-EPERM, "writable by group or others");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_STORE), 0700), 0);
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, STATE_FOLDER_STORE), 1000, 0), 0);
    check_store(-EPERM, "not owned by root");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"missing is nothing", test_missing_is_nothing},
        {"made private whatever the umask", test_made_private_whatever_the_umask},
        {"a link in its place is refused", test_a_link_in_its_place_is_refused},
        {"a file in its place is refused", test_a_file_in_its_place_is_refused},
        {"another owner is refused", test_another_owner_is_refused},
        {"writable by others is refused", test_writable_by_others_is_refused},
        {"a parent that others write is refused", test_a_parent_that_others_write_is_refused},
        {"the store is a directory or none", test_the_store_is_a_directory_or_none},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "state_folder",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
