#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/parent_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct error err;
static struct parent_folder folder = PARENT_FOLDER_INIT;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_write(&root, "/usr/one/a", "a");
    scratch_root_write(&root, "/usr/one/b", "b");
    scratch_root_write(&root, "/usr/one-more/c", "c");
}

static void tear_down(void) {
    parent_folder_release(&folder);
    scratch_root_remove(&root);
}

static void enter(const char *path, const char *expected) {
    const char *name = NULL;
    CU_ASSERT_EQUAL_FATAL(parent_folder_enter(&folder, &root, path, &name, &err), 0);
    CU_ASSERT_STRING_EQUAL(name, expected);
    struct stat in_it, direct;
    CU_ASSERT_EQUAL(fstatat(folder.fd, name, &in_it, 0), 0);
    CU_ASSERT_EQUAL(stat(scratch_root_host(&root, path), &direct), 0);
    CU_ASSERT_EQUAL(in_it.st_ino, direct.st_ino);
}

static void test_siblings_share_it(void) {
    enter("/usr/one/a", "a");
    int fd = folder.fd;
    CU_ASSERT_TRUE(parent_folder_holds(&folder, "/usr/one/b"));
    enter("/usr/one/b", "b");
    CU_ASSERT_EQUAL(folder.fd, fd);
}

static void test_others_do_not(void) {
    enter("/usr/one/a", "a");
    CU_ASSERT_FALSE(parent_folder_holds(&folder, "/usr/one-more/c"));
    CU_ASSERT_FALSE(parent_folder_holds(&folder, "/usr/one/"));
    CU_ASSERT_FALSE(parent_folder_holds(&folder, "/usr/one"));
    enter("/usr/one-more/c", "c");
}

static void test_refused_as_any_path(void) {
    const char *name;
    enter("/usr/one/a", "a");
    CU_ASSERT_EQUAL(parent_folder_enter(&folder, &root, "/usr/none/x", &name, &err), -ENOENT);
    CU_ASSERT_EQUAL(folder.fd, -1);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/usr/one-more"), 0777), 0);
    CU_ASSERT_NOT_EQUAL(parent_folder_enter(&folder, &root, "/usr/one-more/c", &name, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(folder.fd, -1);
}

/* From one folder to the next, what they share stays open. */
static void test_what_is_shared_stays(void) {
    scratch_root_write(&root, "/usr/one/deep/er/d", "d");
    scratch_root_write(&root, "/usr/one/deep/e", "e");
    enter("/usr/one/deep/er/d", "d");
    CU_ASSERT_EQUAL_FATAL(folder.depth, 5);
    int one = folder.way[2].fd;
    enter("/usr/one/deep/e", "e");
    CU_ASSERT_EQUAL(folder.depth, 4);
    enter("/usr/one/a", "a");
    CU_ASSERT_EQUAL(folder.fd, one);
    enter("/usr/one/deep/er/d", "d");
    CU_ASSERT_EQUAL(folder.way[2].fd, one);
    enter("/usr", "usr");
    CU_ASSERT_EQUAL(folder.depth, 1);
}

/* A folder whose way ends is none; what was walked of it serves the next. */
static void test_a_way_that_ends(void) {
    const char *name;
    enter("/usr/one/a", "a");
    CU_ASSERT_EQUAL(parent_folder_enter(&folder, &root, "/usr/none/of/x", &name, NULL), -ENOENT);
    CU_ASSERT_TRUE(folder.exact);
    CU_ASSERT_EQUAL(folder.fd, -1);
    CU_ASSERT_EQUAL(folder.depth, 2);
    CU_ASSERT_FALSE(parent_folder_holds(&folder, "/usr/none/of/x"));
    CU_ASSERT_EQUAL(parent_folder_enter(&folder, &root, "/usr/one/a/x", &name, NULL), -ENOTDIR);
    CU_ASSERT_FALSE(folder.exact);
    enter("/usr/one/a", "a");
}

static void test_a_link_on_the_way(void) {
    scratch_root_link(&root, "/one", "usr/one");
    scratch_root_link(&root, "/nowhere", "none");
    const char *name;
    enter("/one/a", "a");
    CU_ASSERT_FALSE(folder.exact);
    enter("/one/b", "b");
    enter("/usr/one/./a", "a");
    CU_ASSERT_FALSE(folder.exact);
    CU_ASSERT_EQUAL(parent_folder_enter(&folder, &root, "/nowhere/a", &name, &err), -ENOENT);
    CU_ASSERT_FALSE(folder.exact);
    enter("/usr/one/a", "a");
    CU_ASSERT_TRUE(folder.exact);
}

static void test_looking(void) {
    struct stat st, direct;
    scratch_root_link(&root, "/usr/one/link", "a");
    scratch_root_link(&root, "/one", "usr/one");
    CU_ASSERT_EQUAL(parent_folder_stat(&folder, &root, "/usr/one/a", &st), 0);
    CU_ASSERT_EQUAL(stat(scratch_root_host(&root, "/usr/one/a"), &direct), 0);
    CU_ASSERT_EQUAL(st.st_ino, direct.st_ino);
    CU_ASSERT_EQUAL(parent_folder_stat(&folder, &root, "/usr/one/link", &st), 0);
    CU_ASSERT_TRUE(S_ISLNK(st.st_mode));
    CU_ASSERT_EQUAL(parent_folder_stat(&folder, &root, "/usr/one/x", &st), -ENOENT);
    CU_ASSERT_EQUAL(parent_folder_stat(&folder, &root, "/usr/none/of/x", &st), -ENOENT);
    CU_ASSERT_EQUAL(parent_folder_stat(&folder, &root, "/one/a", &st), -ELOOP);
    CU_ASSERT_EQUAL(parent_folder_stat(&folder, &root, "/one/x", &st), -ELOOP);
    CU_ASSERT_EQUAL(parent_folder_stat(&folder, &root, "/usr/one/a/x", &st), -ELOOP);
}

static void test_deeper_than_it_remembers(void) {
    char path[4 * PARENT_FOLDER_DEPTH + 8] = "";
    for (int i = 0; i < PARENT_FOLDER_DEPTH + 3; i++)
        strcat(path, "/d");
    strcat(path, "/x");
    scratch_root_write(&root, path, "x");
    enter(path, "x");
    CU_ASSERT_EQUAL(folder.depth, PARENT_FOLDER_DEPTH);
    enter("/usr/one/a", "a");
    enter(path, "x");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"siblings share it", test_siblings_share_it},
        {"others do not", test_others_do_not},
        {"refused as any path", test_refused_as_any_path},
        {"what is shared stays", test_what_is_shared_stays},
        {"a way that ends", test_a_way_that_ends},
        {"a link on the way", test_a_link_on_the_way},
        {"looking", test_looking},
        {"deeper than it remembers", test_deeper_than_it_remembers},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "parent folder",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
