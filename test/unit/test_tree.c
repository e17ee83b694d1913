#include "base/tree.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/file.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, "/tree");
    err = (struct error){0};
}

/* By the real tool: some of these trees are too deep for ours. */
static void tear_down(void) {
    scratch_root_run("rm", "-rf", root.path, NULL);
    root_close(&root);
}

static const char *host(const char *path) {
    return scratch_root_host(&root, path);
}

static int open_dir(const char *path) {
    return open(host(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The path of `depth` nested directories below "/tree". */
static const char *nested(unsigned depth) {
    static char path[512];
    strcpy(path, "/tree");
    while (depth-- > 0)
        strcat(path, "/d");
    return path;
}

struct visits {
    struct buffer text;
    const char *stop_at;
};

static int note(void *context, const struct tree_entry *entry, struct error *unused) {
    (void)unused;
    struct visits *visits = context;
    struct stat st;
    CU_ASSERT_EQUAL(fstatat(entry->parent, entry->name, &st, AT_SYMLINK_NOFOLLOW), 0);
    CU_ASSERT_EQUAL(st.st_ino, entry->st->st_ino);
    CU_ASSERT_EQUAL(buffer_printf(&visits->text, "%s%s ", entry->path,
                                  S_ISDIR(entry->st->st_mode)   ? "/"
                                  : S_ISLNK(entry->st->st_mode) ? "@"
                                                                : ""),
                    0);
    return visits->stop_at && !strcmp(visits->stop_at, entry->path) ? 42 : 0;
}

static int walk(const char *path, struct visits *visits) {
    AUTO_CLOSE int fd = open_dir(path);
    return tree_walk(fd, "the-tree", note, visits, &err);
}

static void make_small_tree(void) {
    scratch_root_write(&root, "/tree/b/file", "text");
    scratch_root_write(&root, "/tree/b/.hidden", "");
    scratch_root_dir(&root, "/tree/a");
    scratch_root_write(&root, "/tree/Z", "");
    scratch_root_link(&root, "/tree/c", "b");
    scratch_root_link(&root, "/tree/out", "/");
}

static void test_a_walk_is_sorted_and_follows_no_link(void) {
    struct visits visits = {0};
    make_small_tree();
    CU_ASSERT_EQUAL(walk("/tree", &visits), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&visits.text), "Z a/ b/ b/.hidden b/file c@ out@ ");
    buffer_release(&visits.text);
    CU_ASSERT_EQUAL(walk("/tree/a", &visits), 0);
    CU_ASSERT_EQUAL(visits.text.size, 0);
}

static void test_a_walk_stops_where_it_is_told(void) {
    struct visits visits = {.stop_at = "b/.hidden"};
    make_small_tree();
    CU_ASSERT_EQUAL(walk("/tree", &visits), 42);
    CU_ASSERT_STRING_EQUAL(buffer_string(&visits.text), "Z a/ b/ b/.hidden ");
    buffer_release(&visits.text);
}

static void test_a_walk_has_a_depth(void) {
    struct visits visits = {0};
    scratch_root_write(&root, nested(64), "");
    CU_ASSERT_EQUAL(walk("/tree", &visits), 0);
    CU_ASSERT_EQUAL(unlink(host(nested(64))), 0);
    scratch_root_dir(&root, nested(65));
    CU_ASSERT_EQUAL(walk("/tree", &visits), -ELOOP);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the-tree/d/d"));
    buffer_release(&visits.text);
}

static int remove_tree(const char *name) {
    return tree_remove(root.fd, name, &err);
}

static void test_removing_follows_no_link(void) {
    make_small_tree();
    scratch_root_write(&root, "/kept/file", "text");
    scratch_root_link(&root, "/tree/b/kept", "../../kept");
    scratch_root_link(&root, "/tree/kept", host("/kept"));
    CU_ASSERT_EQUAL(remove_tree("tree"), 0);
    CU_ASSERT_FALSE(root_exists(&root, "/tree"));
    CU_ASSERT_TRUE(root_exists(&root, "/kept/file"));
    scratch_root_link(&root, "/link", "kept");
    CU_ASSERT_EQUAL(remove_tree("link"), 0);
    CU_ASSERT_TRUE(root_exists(&root, "/kept/file"));
    CU_ASSERT_EQUAL(remove_tree("kept/file"), 0);
    CU_ASSERT_EQUAL(tree_remove(AT_FDCWD, host("/kept"), &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, "/kept"));
}

static void test_removing_takes_everything(void) {
    CU_ASSERT_EQUAL(mkfifo(host("/tree/fifo"), 0600), 0);
    CU_ASSERT_EQUAL(mknod(host("/tree/device"), S_IFCHR, makedev(240, 99)), 0);
    scratch_root_write(&root, "/tree/private/x", "");
    CU_ASSERT_EQUAL(chmod(host("/tree/private"), 0), 0);
    CU_ASSERT_EQUAL(remove_tree("tree"), 0);
    CU_ASSERT_FALSE(root_exists(&root, "/tree"));
}

static void test_nothing_to_remove(void) {
    CU_ASSERT_EQUAL(remove_tree("none"), 0);
    CU_ASSERT_EQUAL(remove_tree("none/none"), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

static void test_removing_goes_on_past_a_failure(void) {
    scratch_root_write(&root, "/tree/a/x", "");
    scratch_root_write(&root, "/tree/b/stays", "");
    scratch_root_write(&root, "/tree/c/x", "");
    scratch_root_run("chattr", "+i", host("/tree/b/stays"), NULL);
    CU_ASSERT_EQUAL(remove_tree("tree"), -EPERM);
    scratch_root_run("chattr", "-i", host("/tree/b/stays"), NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "stays: Operation not permitted"));
    CU_ASSERT_FALSE(root_exists(&root, "/tree/a"));
    CU_ASSERT_FALSE(root_exists(&root, "/tree/c"));
    CU_ASSERT_EQUAL(remove_tree("tree"), 0);
}

static void test_removing_has_a_depth(void) {
    scratch_root_dir(&root, nested(64));
    CU_ASSERT_EQUAL(remove_tree("tree"), 0);
    scratch_root_dir(&root, nested(66));
    scratch_root_write(&root, "/tree/z", "");
    CU_ASSERT_EQUAL(remove_tree("tree"), -ELOOP);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_FALSE(root_exists(&root, "/tree/z"));
}

/*
 * Mounts are made in a child with a mount namespace of its own. Each step returns 0 or its number.
 */
static int with_mounts(int (*steps)(int top)) {
    if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL))
        return 101;
    if (mount("none", host("/tree/m/other"), "tmpfs", 0, "size=64k,mode=755"))
        return 102;
    if (mount(host("/precious"), host("/tree/m/same"), "none", MS_BIND, NULL))
        return 103;
    AUTO_CLOSE int file = open(host("/tree/m/other/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    AUTO_CLOSE int top = open(root.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file < 0 || top < 0 ? 104 : steps(top);
}

static void check_with_mounts(int (*steps)(int top)) {
    scratch_root_dir(&root, "/tree/m/other");
    scratch_root_dir(&root, "/tree/m/same");
    scratch_root_write(&root, "/tree/m/zzz", "");
    scratch_root_write(&root, "/precious/file", "");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(with_mounts(steps));
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_TRUE(root_exists(&root, "/precious/file"));
}

static int remove_around_mounts(int top) {
    if (tree_remove(top, "tree", &err) != -EXDEV || err.kind != ERROR_REFUSED)
        return 1;
    if (access(host("/tree/m/other/file"), F_OK) || access(host("/tree/m/same/file"), F_OK))
        return 2;
    return access(host("/tree/m/zzz"), F_OK) == 0 ? 3 : 0;
}

static void test_removing_stays_out_of_mounts(void) {
    check_with_mounts(remove_around_mounts);
}

static int remove_mount_point(int top) {
    if (tree_remove(top, "tree/m/same", &err) != -EXDEV || !strstr(err.text, "mount point"))
        return 1;
    return tree_remove(top, "tree/m/other", &err) == -EXDEV &&
                   access(host("/tree/m/other/file"), F_OK) == 0
               ? 0
               : 2;
}

static void test_a_mount_point_itself_is_not_removed(void) {
    check_with_mounts(remove_mount_point);
}

static int walk_and_copy_mounts(int top) {
    struct visits visits = {0};
    AUTO_CLOSE int tree = openat(top, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree_walk(tree, "tree", note, &visits, &err) != -EXDEV || err.kind != ERROR_REFUSED)
        return 1;
    if (strcmp(buffer_string(&visits.text), "m/ m/other/ "))
        return 2;
    buffer_release(&visits.text);
    if (umount2(host("/tree/m/other"), MNT_DETACH))
        return 3;
    if (tree_copy(tree, top, "copy", &err) != -EXDEV || err.kind != ERROR_REFUSED)
        return 4;
    return access(host("/copy/m/same/file"), F_OK) == 0 ? 5 : 0;
}

static void test_walks_and_copies_refuse_mounts(void) {
    check_with_mounts(walk_and_copy_mounts);
}

static int copy_tree(const char *name) {
    AUTO_CLOSE int from = open_dir("/tree");
    return tree_copy(from, root.fd, name, &err);
}

static void set_time(const char *path, time_t seconds) {
    struct timespec times[2] = {{seconds, 1}, {seconds, 123456789}};
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, host(path), times, AT_SYMLINK_NOFOLLOW), 0);
}

static void check_copied(const char *path, mode_t mode, time_t seconds) {
    struct stat st = {0};
    CU_ASSERT_EQUAL(root_stat(&root, path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, mode);
    CU_ASSERT_EQUAL(st.st_uid, 0);
    if (seconds) {
        CU_ASSERT_EQUAL(st.st_mtim.tv_sec, seconds);
        CU_ASSERT_EQUAL(st.st_mtim.tv_nsec, 123456789);
    }
}

static void test_a_copy_is_equal(void) {
    make_small_tree();
    CU_ASSERT_EQUAL(chmod(host("/tree/b/file"), 04773), 0);
    CU_ASSERT_EQUAL(chmod(host("/tree/b/.hidden"), 0400), 0);
    CU_ASSERT_EQUAL(chmod(host("/tree/a"), 03777), 0);
    CU_ASSERT_EQUAL(chmod(host("/tree/b"), 0555), 0);
    CU_ASSERT_EQUAL(chown(host("/tree/b/.hidden"), 65534, 65534), 0);
    set_time("/tree/b/file", 1000000000);
    set_time("/tree/c", 1100000000);
    mode_t old = umask(077);
    CU_ASSERT_EQUAL(copy_tree("copy"), 0);
    umask(old);
    /* setuid, setgid, sticky and writing by others stay behind; we must be able to write into a
     * copied directory. */
    check_copied("/copy/b/file", S_IFREG | 0751, 1000000000);
    check_copied("/copy/b/.hidden", S_IFREG | 0400, 0);
    check_copied("/copy/a", S_IFDIR | 0755, 0);
    check_copied("/copy/b", S_IFDIR | 0755, 0);
    check_copied("/copy/c", S_IFLNK | 0777, 1100000000);
    scratch_root_run("diff", "-r", "--no-dereference", host("/tree"), host("/copy"), NULL);
}

static void test_a_copy_shares_nothing(void) {
    struct stat a = {0}, b = {0};
    scratch_root_write(&root, "/tree/a", "text");
    CU_ASSERT_EQUAL(link(host("/tree/a"), host("/tree/b")), 0);
    CU_ASSERT_EQUAL(copy_tree("copy"), 0);
    CU_ASSERT_EQUAL(root_stat(&root, "/copy/a", &a), 0);
    CU_ASSERT_EQUAL(root_stat(&root, "/tree/a", &b), 0);
    CU_ASSERT_EQUAL(a.st_nlink, 1);
    CU_ASSERT_NOT_EQUAL(a.st_ino, b.st_ino);
}

static void check_not_copied(const char *fact) {
    CU_ASSERT_EQUAL(copy_tree("copy"), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fact));
    CU_ASSERT_EQUAL(remove_tree("copy"), 0);
}

static void test_what_is_not_copied(void) {
    CU_ASSERT_EQUAL(mkfifo(host("/tree/fifo"), 0600), 0);
    check_not_copied("fifo is neither");
    CU_ASSERT_EQUAL(unlink(host("/tree/fifo")), 0);
    CU_ASSERT_EQUAL(mknod(host("/tree/device"), S_IFBLK, makedev(240, 99)), 0);
    check_not_copied("device is neither");
    CU_ASSERT_EQUAL(unlink(host("/tree/device")), 0);
    CU_ASSERT_EQUAL(mknod(host("/tree/socket"), S_IFSOCK, 0), 0);
    check_not_copied("socket is neither");
}

static void test_a_copy_is_new(void) {
    scratch_root_dir(&root, "/copy");
    CU_ASSERT_EQUAL(copy_tree("copy"), -EEXIST);
    scratch_root_link(&root, "/link", "copy");
    CU_ASSERT_EQUAL(copy_tree("link"), -EEXIST);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "link"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a walk is sorted and follows no link", test_a_walk_is_sorted_and_follows_no_link},
        {"a walk stops where it is told", test_a_walk_stops_where_it_is_told},
        {"a walk has a depth", test_a_walk_has_a_depth},
        {"removing follows no link", test_removing_follows_no_link},
        {"removing takes everything", test_removing_takes_everything},
        {"nothing to remove", test_nothing_to_remove},
        {"removing goes on past a failure", test_removing_goes_on_past_a_failure},
        {"removing has a depth", test_removing_has_a_depth},
        {"removing stays out of mounts", test_removing_stays_out_of_mounts},
        {"a mount point itself is not removed", test_a_mount_point_itself_is_not_removed},
        {"walks and copies refuse mounts", test_walks_and_copies_refuse_mounts},
        {"a copy is equal", test_a_copy_is_equal},
        {"a copy shares nothing", test_a_copy_shares_nothing},
        {"what is not copied", test_what_is_not_copied},
        {"a copy is new", test_a_copy_is_new},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "tree", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
