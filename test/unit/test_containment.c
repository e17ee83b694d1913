#include "toolchain/containment.h"

#include <CUnit/Basic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    scratch_root_write(&root, "/top/d/file", "");
    scratch_root_write(&root, "/outside", "");
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static bool normalises(const char *raw, const char *expected) {
    AUTO_FREE char *path = NULL;
    if (containment_normalise(raw, &path) == 0 && !strcmp(path, expected))
        return true;
    fprintf(stderr, "'%s' became '%s'\n", raw, path);
    return false;
}

static void test_paths_are_normalised(void) {
    CU_ASSERT_TRUE(normalises("a", "a"));
    CU_ASSERT_TRUE(normalises("./a//b/./c/", "a/b/c"));
    CU_ASSERT_TRUE(normalises("./", ""));
    CU_ASSERT_TRUE(normalises(".", ""));
    CU_ASSERT_TRUE(normalises("", ""));
    CU_ASSERT_TRUE(normalises("...", "..."));
    CU_ASSERT_TRUE(normalises("..a/b..", "..a/b.."));
}

static int refused(const char *raw) {
    AUTO_FREE char *path = NULL;
    return containment_normalise(raw, &path);
}

static void test_paths_that_lead_out_are_refused(void) {
    CU_ASSERT_EQUAL(refused("/a"), -EXDEV);
    CU_ASSERT_EQUAL(refused(".."), -EXDEV);
    CU_ASSERT_EQUAL(refused("a/.."), -EXDEV);
    CU_ASSERT_EQUAL(refused("a/../b"), -EXDEV);
    CU_ASSERT_EQUAL(refused("./../a"), -EXDEV);
}

static void test_long_paths_are_refused(void) {
    char path[5000];
    memset(path, 'a', sizeof path);
    path[255] = '\0';
    CU_ASSERT_TRUE(normalises(path, path));
    path[255] = 'a';
    path[256] = '\0';
    CU_ASSERT_EQUAL(refused(path), -ENAMETOOLONG);
    path[129] = '\0';
    for (size_t i = 0; i < 129; i++)
        path[i] = i % 2 ? '/' : 'a';
    CU_ASSERT_EQUAL(refused(path), -ENAMETOOLONG);
    path[127] = '\0';
    CU_ASSERT_TRUE(normalises(path, path));
}

static void test_very_long_paths_are_refused(void) {
    char path[5000];
    memset(path, 'a', sizeof path);
    for (size_t i = 255; i < sizeof path; i += 256)
        path[i] = '/';
    path[4096] = '\0';
    CU_ASSERT_EQUAL(refused(path), -ENAMETOOLONG);
    path[4095] = '\0';
    CU_ASSERT_TRUE(normalises(path, path));
}

static int open_top(void) {
    struct error err = {0};
    int fd = -1;
    CU_ASSERT_EQUAL(root_open_dir(&root, "/top", &fd, &err), 0);
    return fd;
}

static void test_folders_are_opened_without_following(void) {
    AUTO_CLOSE int top = open_top();
    AUTO_CLOSE int first = -1, second = -1, third = -1;
    const char *name = NULL;
    CU_ASSERT_EQUAL(containment_open_folder(top, "d/file", false, &first, &name), 0);
    CU_ASSERT_STRING_EQUAL(name, "file");
    CU_ASSERT_EQUAL(containment_open_folder(top, "new/dir/file", false, &second, &name), -ENOENT);
    CU_ASSERT_EQUAL(containment_open_folder(top, "new/dir/file", true, &second, &name), 0);
    CU_ASSERT_TRUE(root_exists(&root, "/top/new/dir"));
    CU_ASSERT_EQUAL(containment_open_folder(top, "d/file/x", true, &third, &name), -ENOTDIR);
    scratch_root_link(&root, "/top/link", "d");
    CU_ASSERT_EQUAL(containment_open_folder(top, "link/x", true, &third, &name), -ENOTDIR);
    CU_ASSERT_EQUAL(third, -1);
}

static bool leads_out(const char *path, const char *target) {
    AUTO_FREE char *whole = NULL;
    AUTO_CLOSE int top = open_top();
    CU_ASSERT_TRUE_FATAL(asprintf(&whole, "/top/%s", path) > 0);
    scratch_root_link(&root, whole, target);
    return containment_link_leads_out(top, path, target);
}

static void test_links_that_stay_inside_are_told(void) {
    CU_ASSERT_FALSE(leads_out("l", "d/file"));
    CU_ASSERT_FALSE(leads_out("l", "nothing/yet"));
    CU_ASSERT_FALSE(leads_out("l", "."));
    CU_ASSERT_FALSE(leads_out("d/l", "../d/file"));
    CU_ASSERT_FALSE(leads_out("d/l", ".."));
    CU_ASSERT_FALSE(leads_out("d/l", "./../d/./file"));
}

static atomic_bool enough;

/* Elsewhere on the machine. */
static void *rename_all_the_time(void *unused) {
    AUTO_FREE char *one = strdup(scratch_root_host(&root, "/elsewhere/one"));
    AUTO_FREE char *other = strdup(scratch_root_host(&root, "/elsewhere/other"));
    (void)unused;
    while (one && other && !atomic_load(&enough))
        if (rename(one, other) || rename(other, one))
            break;
    return NULL;
}

/* While ".." is looked up the kernel may ask to be asked again, whoever renamed what. */
static void test_a_busy_machine_changes_nothing(void) {
    pthread_t thread;
    AUTO_CLOSE int top = open_top();
    unsigned out = 0;
    scratch_root_write(&root, "/elsewhere/one", "");
    scratch_root_link(&root, "/top/d/busy", "../d/../d/../d/../d/file");
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, rename_all_the_time, NULL), 0);
    for (int i = 0; i < 20000; i++)
        out += containment_link_leads_out(top, "d/busy", "../d/../d/../d/../d/file");
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(out, 0);
}

static void test_links_that_lead_out_are_told(void) {
    CU_ASSERT_TRUE(leads_out("l", "/"));
    CU_ASSERT_TRUE(leads_out("l", ".."));
    CU_ASSERT_TRUE(leads_out("l", "../outside"));
    CU_ASSERT_TRUE(leads_out("l", "../top/d/file"));
    CU_ASSERT_TRUE(leads_out("d/l", "../../outside"));
    CU_ASSERT_TRUE(leads_out("l", "nothing/../../outside"));
    scratch_root_link(&root, "/top/d/self", ".");
    CU_ASSERT_TRUE(leads_out("d/l", "self/../../outside"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"paths are normalised", test_paths_are_normalised},
        {"paths that lead out are refused", test_paths_that_lead_out_are_refused},
        {"long paths are refused", test_long_paths_are_refused},
        {"very long paths are refused", test_very_long_paths_are_refused},
        {"folders are opened without following", test_folders_are_opened_without_following},
        {"links that stay inside are told", test_links_that_stay_inside_are_told},
        {"a busy machine changes nothing", test_a_busy_machine_changes_nothing},
        {"links that lead out are told", test_links_that_lead_out_are_told},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "containment", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
