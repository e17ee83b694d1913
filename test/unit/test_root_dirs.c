#include "base/root.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/* Directories beneath a root: where they are, resolving, making and listing them. */
static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    scratch_root_make(&root);
    err = (struct error){0};
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static const char *host(const char *path) {
    return scratch_root_host(&root, path);
}

static void check_refused(int rc, const char *fact) {
    CU_ASSERT_TRUE(rc < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    if (!strstr(err.text, fact))
        CU_FAIL("the sentence does not name the fact");
    err = (struct error){0};
}

static void check_canonical(const char *path, const char *expected) {
    AUTO_FREE char *canonical = NULL;
    CU_ASSERT_EQUAL(root_canonical(&root, path, &canonical, &err), 0);
    CU_ASSERT_STRING_EQUAL(canonical ? canonical : "", expected);
}

static void test_canonical(void) {
    AUTO_FREE char *none = NULL;
    scratch_root_dir(&root, "/usr/lib/modules");
    scratch_root_link(&root, "/lib", "/usr/lib");
    scratch_root_link(&root, "/chain", "lib/modules/");
    check_canonical("/", "/");
    check_canonical("/lib/modules", "/usr/lib/modules");
    check_canonical("//lib//modules//", "/usr/lib/modules");
    check_canonical("/chain", "/usr/lib/modules");
    check_canonical("/../chain/..", "/usr/lib");
    scratch_root_write(&root, "/file", "");
    CU_ASSERT_EQUAL(root_canonical(&root, "/file", &none, &err), -ENOTDIR);
    CU_ASSERT_EQUAL(root_canonical(&root, "/none", &none, &err), -ENOENT);
    CU_ASSERT_PTR_NULL(none);
}

/* "<resolved>|<missing 1> <missing 2>" */
static const char *resolve(const char *path) {
    static char text[512];
    AUTO_FREE char *resolved = NULL, *joined = NULL;
    AUTO_STRLIST struct strlist missing = {0};
    int rc = root_resolve(&root, path, &resolved, &missing, &err);
    joined = strlist_join(&missing, " ");
    snprintf(text, sizeof text, "%s|%s", rc ? strerror(-rc) : resolved, joined);
    return text;
}

static void test_resolving_what_exists(void) {
    scratch_root_write(&root, "/usr/lib/file", "");
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_link(&root, "/usr/lib/link", "file");
    scratch_root_link(&root, "/usr/lib/dangling", "none");
    CU_ASSERT_STRING_EQUAL(resolve("/"), "/|");
    CU_ASSERT_STRING_EQUAL(resolve("/lib"), "/usr/lib|");
    CU_ASSERT_STRING_EQUAL(resolve("/lib/"), "/usr/lib|");
    CU_ASSERT_STRING_EQUAL(resolve("/lib/file"), "/usr/lib/file|");
    CU_ASSERT_STRING_EQUAL(resolve("//lib//file"), "/usr/lib/file|");
    CU_ASSERT_STRING_EQUAL(resolve("/lib/link"), "/usr/lib/link|");
    CU_ASSERT_STRING_EQUAL(resolve("/lib/dangling"), "/usr/lib/dangling|");
}

static void test_resolving_what_is_missing(void) {
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_link(&root, "/lib", "usr/lib");
    CU_ASSERT_STRING_EQUAL(resolve("/x"), "/x|/x");
    CU_ASSERT_STRING_EQUAL(resolve("/lib/a/b/c"),
                           "/usr/lib/a/b/c|/usr/lib/a /usr/lib/a/b /usr/lib/a/b/c");
    CU_ASSERT_STRING_EQUAL(resolve("/lib//a//"), "/usr/lib/a|/usr/lib/a");
    CU_ASSERT_STRING_EQUAL(resolve("/lib/./a/./b"), "/usr/lib/a/b|/usr/lib/a /usr/lib/a/b");
    CU_ASSERT_FALSE(root_exists(&root, "/lib/a"));
}

static void test_what_cannot_be_resolved(void) {
    AUTO_FREE char *resolved = NULL;
    scratch_root_dir(&root, "/usr");
    scratch_root_write(&root, "/file", "");
    scratch_root_link(&root, "/to-file", "file");
    scratch_root_link(&root, "/circle", "circle");
    CU_ASSERT_STRING_EQUAL(resolve("/file/x"), "Not a directory|");
    CU_ASSERT_STRING_EQUAL(resolve("/file/"), "Not a directory|");
    CU_ASSERT_STRING_EQUAL(resolve("/to-file/x/y"), "Not a directory|");
    CU_ASSERT_STRING_EQUAL(resolve("/circle/x"), "Too many levels of symbolic links|");
    check_refused(root_resolve(&root, "/usr/../x", &resolved, NULL, &err), "not a plain path");
    check_refused(root_resolve(&root, "/none/..", &resolved, NULL, &err), "not a plain path");
    check_refused(root_resolve(&root, "usr", &resolved, NULL, &err), "not a plain path");
    check_refused(root_resolve(&root, "", &resolved, NULL, &err), "not a plain path");
    CU_ASSERT_PTR_NULL(resolved);
}

/* What is behind a link that leads nowhere can't be made: the link would have to go first. */
static void test_a_dangling_link_on_the_way_is_refused(void) {
    AUTO_FREE char *resolved = NULL;
    scratch_root_dir(&root, "/var");
    scratch_root_link(&root, "/var/lib", "/mnt/lib");
    check_refused(root_resolve(&root, "/var/lib/dkms/nvidia", &resolved, NULL, &err),
                  "/var/lib is a link");
    check_refused(root_resolve(&root, "/var/lib/", &resolved, NULL, &err), "/var/lib is a link");
    check_refused(root_make_dirs(&root, "/var/lib/dkms", 0755, NULL, &err),
                  "/var/lib is in the way");
    CU_ASSERT_FALSE(root_exists(&root, "/mnt"));
}

/* Found at its place, which is canonical and tells no longer who led there. */
static void check_place_refused(const char *words) {
    AUTO_FREE char *resolved = NULL, *looked = NULL;
    check_refused(root_resolve_place(&root, "/var/dkms/mod/1.0", &resolved, NULL, &err), words);
    CU_ASSERT_PTR_NULL(resolved);
    CU_ASSERT_EQUAL(root_resolve(&root, "/var/dkms/mod/1.0", &looked, NULL, &err), 0);
}

static void test_a_place_behind_others_links_is_refused(void) {
    AUTO_FREE char *resolved = NULL;
    scratch_root_dir(&root, "/var");
    scratch_root_dir(&root, "/etc/mod");
    scratch_root_link(&root, "/var/dkms", "/etc");
    CU_ASSERT_EQUAL(root_resolve_place(&root, "/var/dkms/mod/1.0", &resolved, NULL, &err), 0);
    CU_ASSERT_STRING_EQUAL(resolved, "/etc/mod/1.0");
    CU_ASSERT_EQUAL(chmod(host("/var"), 0777), 0);
    check_place_refused("/var is not root's alone");
    CU_ASSERT_EQUAL(chmod(host("/var"), 01777), 0);
    CU_ASSERT_EQUAL(lchown(host("/var/dkms"), 1000, 0), 0);
    check_place_refused("/var/dkms is not root's alone");
    CU_ASSERT_EQUAL(lchown(host("/var/dkms"), 0, 0), 0);
    CU_ASSERT_EQUAL(chown(host("/etc/mod"), 1000, 0), 0);
    check_place_refused("/etc/mod is not root's alone");
}

static void test_a_place_below_a_file_is_refused(void) {
    AUTO_FREE char *resolved = NULL;
    scratch_root_write(&root, "/file", "");
    check_refused(root_resolve_place(&root, "/file/x", &resolved, NULL, &err), "/file/x");
}

static void check_mode(const char *path, mode_t mode) {
    struct stat st;
    CU_ASSERT_EQUAL(lstat(host(path), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, mode);
    CU_ASSERT_EQUAL(st.st_uid, 0);
    CU_ASSERT_EQUAL(st.st_gid, 0);
}

static void test_directories_get_exactly_their_mode(void) {
    AUTO_STRLIST struct strlist created = {0};
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_link(&root, "/lib", "usr/lib");
    /* Of a set-group-id directory a new one inherits bit and group. */
    CU_ASSERT_EQUAL(chown(host("/usr/lib"), 0, 50), 0);
    CU_ASSERT_EQUAL(chmod(host("/usr/lib"), 02755), 0);
    mode_t old = umask(077);
    CU_ASSERT_EQUAL(root_make_dirs(&root, "/lib//a/b/", 0755, &created, &err), 0);
    umask(0);
    CU_ASSERT_EQUAL(root_make_dirs(&root, "/lib/a/c", 0700, &created, &err), 0);
    umask(old);
    AUTO_FREE char *joined = strlist_join(&created, " ");
    CU_ASSERT_STRING_EQUAL(joined, "/usr/lib/a /usr/lib/a/b /usr/lib/a/c");
    check_mode("/usr/lib/a", S_IFDIR | 0755);
    check_mode("/usr/lib/a/b", S_IFDIR | 0755);
    check_mode("/usr/lib/a/c", S_IFDIR | 0700);
}

static void test_existing_directories_stay_as_they_are(void) {
    AUTO_STRLIST struct strlist created = {0};
    scratch_root_dir(&root, "/a/b");
    CU_ASSERT_EQUAL(chmod(host("/a/b"), 0711), 0);
    CU_ASSERT_EQUAL(root_make_dirs(&root, "/a/b", 0755, &created, &err), 0);
    CU_ASSERT_EQUAL(root_make_dirs(&root, "/", 0755, &created, &err), 0);
    CU_ASSERT_EQUAL(created.count, 0);
    check_mode("/a/b", S_IFDIR | 0711);
}

static void test_what_is_in_the_way_of_a_directory(void) {
    scratch_root_write(&root, "/a/file", "text");
    scratch_root_link(&root, "/a/link", "file");
    check_refused(root_make_dirs(&root, "/a/file", 0755, NULL, &err), "/a/file is in the way");
    check_refused(root_make_dirs(&root, "/a/file/x/y", 0755, NULL, &err), "/a/file is in the way");
    check_refused(root_make_dirs(&root, "/a/link/x", 0755, NULL, &err), "/a/link is in the way");
    check_refused(root_make_dirs(&root, "/a/../b", 0755, NULL, &err), "not a plain path");
    AUTO_BUFFER struct buffer text = {0};
    CU_ASSERT_EQUAL(file_read(&root, "/a/file", 64, &text, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&text), "text");
    CU_ASSERT_EQUAL(chmod(host("/a"), 0777), 0);
    check_refused(root_make_dirs(&root, "/a/new", 0755, NULL, &err), "/a is");
    CU_ASSERT_FALSE(root_exists(&root, "/a/new"));
}

static void test_lists(void) {
    AUTO_STRLIST struct strlist names = {0}, none = {0};
    scratch_root_write(&root, "/usr/lib/b", "");
    scratch_root_write(&root, "/usr/lib/.a", "");
    scratch_root_link(&root, "/usr/lib/Z", "none");
    scratch_root_link(&root, "/lib", "usr/lib");
    CU_ASSERT_EQUAL(root_list(&root, "/lib", &names, &err), 0);
    AUTO_FREE char *joined = strlist_join(&names, " ");
    CU_ASSERT_STRING_EQUAL(joined, ".a Z b");
    CU_ASSERT_EQUAL(root_list(&root, "/none", &none, &err), 0);
    CU_ASSERT_EQUAL(root_list(&root, "/lib/b", &none, &err), -ENOTDIR);
    CU_ASSERT_EQUAL(none.count, 0);
}

static void test_open_dir(void) {
    AUTO_CLOSE int fd = -1;
    struct stat opened, meant;
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_link(&root, "/lib", "/usr/lib");
    CU_ASSERT_EQUAL(root_open_dir(&root, "/lib", &fd, &err), 0);
    CU_ASSERT_EQUAL(fstat(fd, &opened), 0);
    CU_ASSERT_EQUAL(stat(host("/usr/lib"), &meant), 0);
    CU_ASSERT_EQUAL(opened.st_ino, meant.st_ino);
    AUTO_CLOSE int none = -1;
    CU_ASSERT_EQUAL(root_open_dir(&root, "/none", &none, &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/none"));
    CU_ASSERT_EQUAL(none, -1);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"canonical", test_canonical},
        {"resolving what exists", test_resolving_what_exists},
        {"resolving what is missing", test_resolving_what_is_missing},
        {"what cannot be resolved", test_what_cannot_be_resolved},
        {"a place behind others' links is refused", test_a_place_behind_others_links_is_refused},
        {"a place below a file is refused", test_a_place_below_a_file_is_refused},
        {"a dangling link on the way is refused", test_a_dangling_link_on_the_way_is_refused},
        {"directories get exactly their mode", test_directories_get_exactly_their_mode},
        {"existing directories stay as they are", test_existing_directories_stay_as_they_are},
        {"what is in the way of a directory", test_what_is_in_the_way_of_a_directory},
        {"lists", test_lists},
        {"open dir", test_open_dir},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "root directories",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
