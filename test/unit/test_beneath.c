#include "base/beneath.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* "<path> <first untrusted>" of the directory that `path` leads to, or the error's name. */
static const char *walk(const char *path) {
    static char text[512];
    AUTO_BENEATH_DIR struct beneath_dir dir = BENEATH_DIR_INIT;
    int rc = beneath_walk(root.fd, path, &dir);
    snprintf(text, sizeof text, "%s %s", rc ? strerrorname_np(-rc) : dir.path,
             dir.untrusted ? dir.untrusted : "-");
    return text;
}

/* The kernel's own walk and ours end in the same directory. */
static void check_agreement(const char *path) {
    AUTO_BENEATH_DIR struct beneath_dir dir = BENEATH_DIR_INIT;
    struct stat kernels = {0}, ours = {0};
    AUTO_CLOSE int fd = beneath_open(root.fd, path, O_PATH | O_DIRECTORY);
    int rc = beneath_walk(root.fd, path, &dir);
    CU_ASSERT_EQUAL(rc, fd < 0 ? fd : 0);
    if (rc || fd < 0)
        return;
    CU_ASSERT_EQUAL(fstat(fd, &kernels), 0);
    CU_ASSERT_EQUAL(fstat(dir.fd, &ours), 0);
    CU_ASSERT_EQUAL(kernels.st_ino, ours.st_ino);
    CU_ASSERT_EQUAL(stat(scratch_root_host(&root, dir.path), &ours), 0);
    CU_ASSERT_EQUAL(kernels.st_ino, ours.st_ino);
}

static void make_maze(void) {
    scratch_root_dir(&root, "/usr/lib/modules/6.1");
    scratch_root_dir(&root, "/a/b/c");
    scratch_root_write(&root, "/a/file", "");
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_link(&root, "/a/up", "..");
    scratch_root_link(&root, "/a/b/out", "../../../../../../usr");
    scratch_root_link(&root, "/a/b/absolute", "/lib/modules");
    scratch_root_link(&root, "/a/b/slashes", "//a//up//lib/");
    scratch_root_link(&root, "/a/b/dot", ".");
    scratch_root_link(&root, "/a/b/root", "/");
    scratch_root_link(&root, "/a/to-file", "file");
    scratch_root_link(&root, "/a/dangling", "none");
    scratch_root_link(&root, "/a/circle", "b/../circle");
}

static void test_it_agrees_with_the_kernel(void) {
    static const char *const paths[] = {
        "/",
        ".",
        "..",
        "/..",
        "/../..",
        "/lib",
        "lib",
        "//lib//",
        "/lib/modules/..",
        "/lib/../lib",
        "/a/up/a/up/usr",
        "/a/b/out",
        "/a/b/out/../lib",
        "/a/b/absolute/6.1",
        "/a/b/slashes/..",
        "/a/b/dot/./c",
        "/a/b/root/usr",
        "/a/b/root/..",
        "/a/file",
        "/a/file/",
        "/a/file/..",
        "/a/to-file",
        "/a/to-file/x",
        "/a/dangling",
        "/a/dangling/..",
        "/none",
        "/none/..",
        "/a/none/b",
        "/a/circle",
        "/a/circle/b",
        "/a/b/c/../../../../../usr",
    };
    make_maze();
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        check_agreement(paths[i]);
}

static void test_paths_come_out_plain(void) {
    make_maze();
    CU_ASSERT_STRING_EQUAL(walk("/"), "/ -");
    CU_ASSERT_STRING_EQUAL(walk("/a/b/root/.."), "/ -");
    CU_ASSERT_STRING_EQUAL(walk("/a/b/slashes/modules/./6.1/"), "/usr/lib/modules/6.1 -");
    CU_ASSERT_STRING_EQUAL(walk("/a/b/out/.."), "/ -");
}

/* As many links as the kernel follows, and not one more. */
static void test_chains_of_links_end(void) {
    scratch_root_dir(&root, "/l0");
    for (unsigned i = 1; i <= 41; i++) {
        char name[16], target[16];
        snprintf(name, sizeof name, "/l%u", i);
        snprintf(target, sizeof target, "l%u", i - 1);
        scratch_root_link(&root, name, target);
    }
    CU_ASSERT_STRING_EQUAL(walk("/l40"), "/l0 -");
    CU_ASSERT_STRING_EQUAL(walk("/l41"), "ELOOP -");
    check_agreement("/l40");
    check_agreement("/l41");
}

static void test_long_names(void) {
    char path[300];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[256] = '\0';
    scratch_root_dir(&root, path);
    CU_ASSERT_EQUAL(strlen(walk(path)), 258);
    path[256] = 'x';
    path[257] = '\0';
    CU_ASSERT_STRING_EQUAL(walk(path), "ENAMETOOLONG -");
}

static void test_who_controls_the_way(void) {
    make_maze();
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/a"), 0777), 0);
    CU_ASSERT_STRING_EQUAL(walk("/a/b"), "/a/b /a");
    CU_ASSERT_STRING_EQUAL(walk("/a/b/absolute"), "/usr/lib/modules /a");
    CU_ASSERT_STRING_EQUAL(walk("/lib/modules"), "/usr/lib/modules -");
    CU_ASSERT_STRING_EQUAL(walk("/lib/../../a/up/usr"), "/usr /a");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/a"), 01777), 0);
    CU_ASSERT_STRING_EQUAL(walk("/a/up/usr"), "/usr -");
    CU_ASSERT_EQUAL(lchown(scratch_root_host(&root, "/a/up"), 65534, 0), 0);
    CU_ASSERT_STRING_EQUAL(walk("/a/up/usr"), "/usr /a/up");
    CU_ASSERT_EQUAL(chown(root.path, 65534, 0), 0);
    CU_ASSERT_STRING_EQUAL(walk("/usr"), "/usr /");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"it agrees with the kernel", test_it_agrees_with_the_kernel},
        {"paths come out plain", test_paths_come_out_plain},
        {"chains of links end", test_chains_of_links_end},
        {"long names", test_long_names},
        {"who controls the way", test_who_controls_the_way},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "beneath", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
