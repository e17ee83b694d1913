#include "base/root.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/file.h"
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

/* What the regular file `path` holds; "?" when it can't be opened. */
static const char *content(const char *path, bool follow) {
    static char text[64];
    AUTO_CLOSE int fd = -1;
    int rc = follow ? root_open_file_following(&root, path, &fd, &err)
                    : root_open_file(&root, path, &fd, &err);
    ssize_t size = rc ? -1 : read(fd, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    return size < 0 ? "?" : text;
}

static void test_opening(void) {
    struct root other = ROOT_INIT;
    AUTO_FREE char *slashes = NULL;
    CU_ASSERT_TRUE(asprintf(&slashes, "%s/../%s//", root.path, strrchr(root.path, '/')) > 0);
    CU_ASSERT_EQUAL(root_open(&other, slashes, &err), 0);
    CU_ASSERT_STRING_EQUAL(other.path, root.path);
    CU_ASSERT_FALSE(other.is_host);
    root_close(&other);
    CU_ASSERT_EQUAL(other.fd, -1);
    root_close(&other);
}

static void test_what_cannot_be_a_root(void) {
    struct root other = ROOT_INIT;
    scratch_root_write(&root, "/file", "");
    CU_ASSERT_EQUAL(root_open(&other, host("/none"), &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/none"));
    CU_ASSERT_EQUAL(root_open(&other, host("/file"), &err), -ENOTDIR);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_EQUAL(root_open(&other, "", &err), -ENOENT);
    CU_ASSERT_EQUAL(other.fd, -1);
    scratch_root_dir(&root, "/tree/ostree/repo");
    check_refused(root_open(&other, host("/tree"), &err), "OSTree");
    CU_ASSERT_EQUAL(other.fd, -1);
    CU_ASSERT_PTR_NULL(other.path);
}

static void test_this_machine(void) {
    AUTO_ROOT struct root machine = ROOT_INIT;
    AUTO_FREE char *canonical = NULL, *missing = NULL;
    struct stat st;
    CU_ASSERT_EQUAL(root_open(&machine, "/", &err), 0);
    CU_ASSERT_TRUE(machine.is_host);
    CU_ASSERT_STRING_EQUAL(machine.path, "");
    CU_ASSERT_EQUAL(root_stat(&machine, "/etc/passwd", &st), 0);
    CU_ASSERT_EQUAL(root_canonical(&machine, "/sbin/../../etc/", &canonical, &err), 0);
    CU_ASSERT_STRING_EQUAL(canonical, "/etc");
    CU_ASSERT_EQUAL(root_resolve(&machine, "/", &missing, NULL, &err), 0);
    CU_ASSERT_STRING_EQUAL(missing, "/");
    AUTO_FREE char *path = root_host_path(&machine, "/etc");
    CU_ASSERT_STRING_EQUAL(path, "/etc");
}

static void test_host_paths(void) {
    AUTO_FREE char *plain = root_host_path(&root, "/a"), *bare = root_host_path(&root, "a");
    CU_ASSERT_STRING_EQUAL(plain, bare);
    CU_ASSERT_EQUAL(strncmp(plain, root.path, strlen(root.path)), 0);
    CU_ASSERT_STRING_EQUAL(plain + strlen(root.path), "/a");
}

/* Every link that leads out on this machine leads to a place inside the root. */
static void test_links_never_lead_out(void) {
    scratch_root_write(&root, "/etc/hostname", "inside");
    scratch_root_write(&root, "/usr/lib/os-release", "inside");
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_link(&root, "/absolute", "/etc/hostname");
    scratch_root_link(&root, "/climbing", "../../../../../../../../etc/hostname");
    scratch_root_link(&root, "/usr/lib/deep", "../../../../etc/hostname");
    scratch_root_link(&root, "/usr/lib/up", "..");
    CU_ASSERT_STRING_EQUAL(content("/absolute", true), "inside");
    CU_ASSERT_STRING_EQUAL(content("/climbing", true), "inside");
    CU_ASSERT_STRING_EQUAL(content("/lib/deep", true), "inside");
    CU_ASSERT_STRING_EQUAL(content("/lib/up/lib/os-release", true), "inside");
    CU_ASSERT_STRING_EQUAL(content("/../../etc/hostname", true), "inside");
    CU_ASSERT_STRING_EQUAL(content("lib/os-release", false), "inside");
    scratch_root_link(&root, "/magic", "/proc/self/root/etc/passwd");
    CU_ASSERT_STRING_EQUAL(content("/magic", true), "?");
}

static void test_the_last_component_is_not_followed(void) {
    struct stat st;
    scratch_root_write(&root, "/file", "text");
    scratch_root_link(&root, "/link", "file");
    CU_ASSERT_EQUAL(root_stat(&root, "/link", &st), 0);
    CU_ASSERT_TRUE(S_ISLNK(st.st_mode));
    CU_ASSERT_EQUAL(root_stat_following(&root, "/link", &st), 0);
    CU_ASSERT_TRUE(S_ISREG(st.st_mode));
    AUTO_CLOSE int fd = -1;
    CU_ASSERT_EQUAL(root_open_file(&root, "/link", &fd, &err), -ELOOP);
    CU_ASSERT_EQUAL(fd, -1);
    CU_ASSERT_STRING_EQUAL(content("/link", true), "text");
    scratch_root_link(&root, "/dangling", "none");
    CU_ASSERT_TRUE(root_exists(&root, "/dangling"));
    CU_ASSERT_FALSE(root_exists(&root, "/none"));
    CU_ASSERT_EQUAL(root_stat_following(&root, "/dangling", &st), -ENOENT);
    scratch_root_link(&root, "/circle", "circle");
    CU_ASSERT_EQUAL(root_stat_following(&root, "/circle", &st), -ELOOP);
}

static void check_no_file(const char *path) {
    AUTO_CLOSE int fd = -1;
    check_refused(root_open_file(&root, path, &fd, &err), "not a regular file");
    check_refused(root_open_file_following(&root, path, &fd, &err), "not a regular file");
    CU_ASSERT_EQUAL(fd, -1);
}

/* Opening a device can start something, opening a fifo can wait for ever: neither is opened. */
static void test_only_regular_files_are_opened(void) {
    scratch_root_dir(&root, "/folder");
    check_no_file("/folder");
    CU_ASSERT_EQUAL(mkfifo(host("/fifo"), 0600), 0);
    check_no_file("/fifo");
    CU_ASSERT_EQUAL(mknod(host("/socket"), S_IFSOCK | 0600, 0), 0);
    check_no_file("/socket");
    CU_ASSERT_EQUAL(mknod(host("/device"), S_IFCHR | 0600, makedev(240, 99)), 0);
    check_no_file("/device");
    AUTO_CLOSE int fd = -1;
    CU_ASSERT_EQUAL(root_open_file(&root, "/none", &fd, &err), -ENOENT);
}

/* A fifo that something waits on does not even notice. */
static void test_a_fifo_is_not_opened_at_all(void) {
    CU_ASSERT_EQUAL(mkfifo(host("/fifo"), 0600), 0);
    AUTO_CLOSE int reader = open(host("/fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    AUTO_CLOSE int writer = open(host("/fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    CU_ASSERT_EQUAL(write(writer, "x", 1), 1);
    check_no_file("/fifo");
    char byte;
    CU_ASSERT_EQUAL(read(reader, &byte, 1), 1);
}

static int open_parent(const char *path, const char **name) {
    AUTO_CLOSE int fd = -1;
    return root_open_parent(&root, path, &fd, name, &err);
}

static void check_parent(const char *path, const char *folder, const char *expected) {
    AUTO_CLOSE int fd = -1;
    const char *name = "";
    struct stat opened, meant;
    CU_ASSERT_EQUAL(root_open_parent(&root, path, &fd, &name, &err), 0);
    CU_ASSERT_STRING_EQUAL(name, expected);
    CU_ASSERT_EQUAL(fstat(fd, &opened), 0);
    CU_ASSERT_EQUAL(stat(host(folder), &meant), 0);
    CU_ASSERT_EQUAL(opened.st_ino, meant.st_ino);
}

static void test_the_parent_and_the_name(void) {
    scratch_root_dir(&root, "/usr/lib/modules");
    scratch_root_link(&root, "/lib", "usr/lib");
    check_parent("/usr/lib/x", "/usr/lib", "x");
    check_parent("/lib/modules/x.ko", "/usr/lib/modules", "x.ko");
    check_parent("/top", "/", "top");
    check_parent("//lib///x", "/usr/lib", "x");
    check_parent("/lib/./x", "/usr/lib", "x");
    check_parent("/lib/..x", "/usr/lib", "..x");
    check_parent("/lib", "/", "lib");
}

static void test_paths_that_are_not_plain_are_refused(void) {
    static const char *const paths[] = {"/",      "",       "/..",     "/a/..", "/../a",
                                        "/a/../", "/a/./",  "/a/.",    "/a/",   "/a/../b",
                                        "..",     "../etc", "a/../..", "."};
    const char *name;
    scratch_root_dir(&root, "/a");
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        check_refused(open_parent(paths[i], &name), "not a plain path");
}

static void test_a_missing_parent(void) {
    const char *name;
    CU_ASSERT_EQUAL(open_parent("/none/x", &name), -ENOENT);
    scratch_root_write(&root, "/file", "");
    CU_ASSERT_EQUAL(open_parent("/file/x", &name), -ENOTDIR);
    scratch_root_link(&root, "/dangling", "none");
    CU_ASSERT_EQUAL(open_parent("/dangling/x", &name), -ENOENT);
}

/* Whoever can write a directory on the way could put something else there. */
static void test_parents_that_others_control_are_refused(void) {
    const char *name;
    scratch_root_dir(&root, "/usr/lib/modules");
    scratch_root_link(&root, "/lib", "usr/lib");
    CU_ASSERT_EQUAL(chmod(host("/usr/lib"), 0775), 0);
    check_refused(open_parent("/lib/modules/x", &name), "/usr/lib is");
    CU_ASSERT_EQUAL(chmod(host("/usr/lib"), 0757), 0);
    check_refused(open_parent("/usr/lib/x", &name), "/usr/lib is");
    CU_ASSERT_EQUAL(open_parent("/usr/x", &name), 0);
    CU_ASSERT_EQUAL(chmod(host("/usr/lib"), 0755), 0);
    CU_ASSERT_EQUAL(chown(host("/usr"), 65534, 0), 0);
    check_refused(open_parent("/lib/modules/x", &name), "/usr is");
    CU_ASSERT_EQUAL(chown(host("/usr"), 0, 65534), 0);
    CU_ASSERT_EQUAL(open_parent("/lib/modules/x", &name), 0);
}

static void test_a_sticky_directory_is_trusted_only_from_root(void) {
    const char *name;
    scratch_root_dir(&root, "/tmp");
    CU_ASSERT_EQUAL(chmod(host("/tmp"), 01777), 0);
    CU_ASSERT_EQUAL(open_parent("/tmp/x", &name), 0);
    CU_ASSERT_EQUAL(chown(host("/tmp"), 65534, 0), 0);
    check_refused(open_parent("/tmp/x", &name), "/tmp is");
}

static void test_the_root_itself_must_be_roots(void) {
    const char *name;
    CU_ASSERT_EQUAL(chmod(root.path, 0777), 0);
    check_refused(open_parent("/x", &name), "/ is");
    CU_ASSERT_EQUAL(chmod(root.path, 0700), 0);
    CU_ASSERT_EQUAL(open_parent("/x", &name), 0);
}

static void test_the_directory_that_a_link_leaves_from_counts_too(void) {
    const char *name;
    scratch_root_dir(&root, "/opt/theirs");
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_link(&root, "/opt/theirs/link", "/usr/lib");
    CU_ASSERT_EQUAL(chmod(host("/opt/theirs"), 0777), 0);
    CU_ASSERT_EQUAL(open_parent("/usr/lib/x", &name), 0);
    check_refused(open_parent("/opt/theirs/link/x", &name), "/opt/theirs is");
}

static void test_a_link_of_somebody_else_is_not_followed_to_a_parent(void) {
    const char *name;
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_dir(&root, "/tmp");
    CU_ASSERT_EQUAL(chmod(host("/tmp"), 01777), 0);
    scratch_root_link(&root, "/tmp/link", "/usr/lib");
    CU_ASSERT_EQUAL(open_parent("/tmp/link/x", &name), 0);
    CU_ASSERT_EQUAL(lchown(host("/tmp/link"), 65534, 65534), 0);
    check_refused(open_parent("/tmp/link/x", &name), "/tmp/link is");
}

/* The exit status tells which step failed in the chroot. */
static int use_root_in_chroot(void) {
    AUTO_ROOT struct root inside = ROOT_INIT;
    AUTO_STRLIST struct strlist created = {0};
    AUTO_CLOSE int fd = -1;
    const char *name;
    if (chroot(root.path) || chdir("/") || root_open(&inside, "/", &err))
        return 1;
    if (root_open_parent(&inside, "/lib/x", &fd, &name, &err))
        return 2;
    if (root_make_dirs(&inside, "/lib/a/b", 0755, &created, &err) || created.count != 2)
        return 3;
    return strcmp(created.items[1], "/usr/lib/a/b") ? 4 : 0;
}

/* A chroot often has no /proc. */
static void test_proc_is_not_needed(void) {
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_link(&root, "/lib", "usr/lib");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(use_root_in_chroot());
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
}

static void test_read_link(void) {
    AUTO_FREE char *target = NULL;
    scratch_root_link(&root, "/usr/lib/link", "../../somewhere else");
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_write(&root, "/file", "");
    CU_ASSERT_EQUAL(root_read_link(&root, "/lib/link", &target), 0);
    CU_ASSERT_STRING_EQUAL(target, "../../somewhere else");
    CU_ASSERT_EQUAL(root_read_link(&root, "/file", &target), -EINVAL);
    CU_ASSERT_EQUAL(root_read_link(&root, "/usr", &target), -EINVAL);
    CU_ASSERT_EQUAL(root_read_link(&root, "/none", &target), -ENOENT);
}

/* No descriptor is lost on any of the ways above. */
static void test_no_descriptor_is_lost(void) {
    AUTO_CLOSE int before = dup(root.fd);
    scratch_root_write(&root, "/usr/lib/file", "");
    for (unsigned i = 0; i < 3; i++) {
        const char *name;
        AUTO_FREE char *missing = NULL, *there = NULL;
        CU_ASSERT_EQUAL(root_resolve(&root, "/usr/lib/a/b", &missing, NULL, &err), 0);
        CU_ASSERT_EQUAL(root_resolve(&root, "/usr/lib/file", &there, NULL, &err), 0);
        content("/usr/lib/file", true);
        content("/usr/lib", true);
        CU_ASSERT_EQUAL(open_parent("/usr/lib/file", &name), 0);
        CU_ASSERT_EQUAL(open_parent("/usr/lib/file/x", &name), -ENOTDIR);
        CU_ASSERT_EQUAL(root_make_dirs(&root, "/usr/lib/c", 0755, NULL, &err), 0);
    }
    AUTO_CLOSE int after = dup(root.fd);
    CU_ASSERT_EQUAL(after, before + 1);
}

static void check_follows(const char *path, const char *end) {
    AUTO_FREE char *resolved = NULL;
    CU_ASSERT_EQUAL(root_follow(&root, path, &resolved), 0);
    CU_ASSERT_STRING_EQUAL(resolved ? resolved : "", end);
}

static void test_following_to_the_end(void) {
    AUTO_FREE char *resolved = NULL;
    scratch_root_write(&root, "/a/b/file", "");
    scratch_root_link(&root, "/a/link", "b/../../other/next");
    scratch_root_link(&root, "/other/next", "/folder/file");
    scratch_root_link(&root, "/folder", "../../../a/b/.");
    scratch_root_link(&root, "/a/dangles", "/folder/gone/file");
    scratch_root_link(&root, "/a/up", "b/..");
    scratch_root_link(&root, "/a/loop", "loop");
    check_follows("/a/link", "/a/b/file");
    check_follows("/folder/file", "/a/b/file");
    check_follows("/folder", "/a/b");
    check_follows("/a/dangles", "/a/b/gone/file");
    check_follows("/a/up", "/a");
    check_follows("/gone", "/gone");
    check_follows("/", "/");
    CU_ASSERT_EQUAL(root_follow(&root, "/a/loop", &resolved), -ELOOP);
    CU_ASSERT_EQUAL(root_follow(&root, "/a/b/file/x", &resolved), -ENOTDIR);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"opening", test_opening},
        {"what cannot be a root", test_what_cannot_be_a_root},
        {"this machine", test_this_machine},
        {"host paths", test_host_paths},
        {"links never lead out", test_links_never_lead_out},
        {"the last component is not followed", test_the_last_component_is_not_followed},
        {"only regular files are opened", test_only_regular_files_are_opened},
        {"a fifo is not opened at all", test_a_fifo_is_not_opened_at_all},
        {"the parent and the name", test_the_parent_and_the_name},
        {"paths that are not plain are refused", test_paths_that_are_not_plain_are_refused},
        {"a missing parent", test_a_missing_parent},
        {"parents that others control are refused", test_parents_that_others_control_are_refused},
        {"a sticky directory is trusted only from root",
         test_a_sticky_directory_is_trusted_only_from_root},
        {"the root itself must be roots", test_the_root_itself_must_be_roots},
        {"the directory that a link leaves from counts too",
         test_the_directory_that_a_link_leaves_from_counts_too},
        {"a link of somebody else is not followed to a parent",
         test_a_link_of_somebody_else_is_not_followed_to_a_parent},
        {"proc is not needed", test_proc_is_not_needed},
        {"read link", test_read_link},
        {"no descriptor is lost", test_no_descriptor_is_lost},
        {"following to the end", test_following_to_the_end},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "root", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
