#include "base/file.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/interrupt.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct error err;
static const struct file_meta plain = FILE_META_DEFAULT;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, "/d");
    err = (struct error){0};
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static const char *host(const char *path) {
    return scratch_root_host(&root, path);
}

static int publish(const char *path, const char *text) {
    return file_publish(&root, path, text, strlen(text), &plain, &err);
}

/* The names in /d: what a failure left behind would be among them. */
static void check_names(const char *expected) {
    AUTO_STRLIST struct strlist names = {0};
    CU_ASSERT_EQUAL(root_list(&root, "/d", &names, NULL), 0);
    AUTO_FREE char *joined = strlist_join(&names, " ");
    CU_ASSERT_STRING_EQUAL(joined, expected);
}

static void check_content(const char *path, const char *expected) {
    AUTO_BUFFER struct buffer text = {0};
    CU_ASSERT_EQUAL(file_read(&root, path, 1 << 20, &text, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&text), expected);
}

static void check_link(const char *path, const char *expected) {
    AUTO_FREE char *target = NULL;
    CU_ASSERT_EQUAL(root_read_link(&root, path, &target), 0);
    CU_ASSERT_STRING_EQUAL(target ? target : "", expected);
}

static void test_meta_is_exact_whatever_the_umask(void) {
    struct file_meta meta = {.mode = 04755, .uid = 1, .gid = 2, .mtime = {1234567890, 987654321}};
    struct stat st;
    mode_t old = umask(077);
    CU_ASSERT_EQUAL(file_publish(&root, "/d/x", "text", 4, &meta, &err), 0);
    CU_ASSERT_EQUAL(publish("/d/y", ""), 0);
    umask(old);
    CU_ASSERT_EQUAL(lstat(host("/d/x"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 04755);
    CU_ASSERT_EQUAL(st.st_uid, 1);
    CU_ASSERT_EQUAL(st.st_gid, 2);
    CU_ASSERT_EQUAL(st.st_mtim.tv_sec, 1234567890);
    CU_ASSERT_EQUAL(st.st_mtim.tv_nsec, 987654321);
    CU_ASSERT_EQUAL(lstat(host("/d/y"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
    CU_ASSERT_EQUAL(st.st_uid, 0);
    CU_ASSERT_TRUE(st.st_mtim.tv_sec > 1234567890);
    check_names("x y");
}

/* The old file is never written to: who has it open or linked keeps it whole. */
static void test_the_old_file_is_replaced_as_a_whole(void) {
    char old[8] = "";
    scratch_root_write(&root, "/d/x", "old");
    CU_ASSERT_EQUAL(link(host("/d/x"), host("/kept")), 0);
    AUTO_CLOSE int fd = open(host("/d/x"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(publish("/d/x", "new text"), 0);
    CU_ASSERT_EQUAL(read(fd, old, sizeof old), 3);
    CU_ASSERT_STRING_EQUAL(old, "old");
    check_content("/d/x", "new text");
    check_content("/kept", "old");
    check_names("x");
}

static void test_a_link_is_replaced_and_its_target_left_alone(void) {
    scratch_root_write(&root, "/target", "theirs");
    scratch_root_link(&root, "/d/x", "../target");
    CU_ASSERT_EQUAL(publish("/d/x", "ours"), 0);
    check_content("/d/x", "ours");
    check_content("/target", "theirs");
}

static void test_new_means_new(void) {
    CU_ASSERT_EQUAL(file_publish_new(&root, "/d/x", "1", 1, &plain, &err), 0);
    CU_ASSERT_EQUAL(file_publish_new(&root, "/d/x", "2", 1, &plain, &err), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/d/x is already there"));
    check_content("/d/x", "1");
    scratch_root_link(&root, "/d/y", "none");
    CU_ASSERT_EQUAL(file_publish_new(&root, "/d/y", "2", 1, &plain, &err), -EEXIST);
    check_link("/d/y", "none");
    check_names("x y");
}

static void test_failures_leave_nothing_behind(void) {
    char name[300] = "/d/";
    scratch_root_write(&root, "/d/x/inside", "");
    CU_ASSERT_EQUAL(publish("/d/x", "text"), -EISDIR);
    CU_ASSERT_EQUAL(file_publish_link(&root, "/d/x", "y", &err), -EISDIR);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/d/x: Is a directory"));
    memset(name + 3, 'n', 256);
    CU_ASSERT_EQUAL(publish(name, "text"), -ENAMETOOLONG);
    CU_ASSERT_EQUAL(file_publish_link(&root, name, "y", &err), -ENAMETOOLONG);
    CU_ASSERT_EQUAL(publish("/none/x", "text"), -ENOENT);
    CU_ASSERT_EQUAL(publish("/d/x/inside/y", "text"), -ENOTDIR);
    check_names("x");
    name[3 + 255] = '\0';
    CU_ASSERT_EQUAL(publish(name, "text"), 0);
    CU_ASSERT_EQUAL(file_publish_link(&root, name, "y", &err), 0);
    check_link(name, "y");
}

/* Runs `steps` in a child of its own; 0 when all went well, else the number of the step. */
static void check_in_child(int (*steps)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(steps());
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
}

static int exceed_the_size_limit(void) {
    static const char text[3000];
    struct rlimit limit = {.rlim_cur = 1000, .rlim_max = 1000};
    interrupt_install();
    if (setrlimit(RLIMIT_FSIZE, &limit))
        return 1;
    if (file_publish(&root, "/d/x", text, sizeof text, &plain, &err) != -EFBIG)
        return 2;
    return file_publish(&root, "/d/y", text, 1000, &plain, &err) ? 3 : 0;
}

static void test_a_size_limit_is_an_error_and_no_death(void) {
    scratch_root_write(&root, "/d/x", "old");
    check_in_child(exceed_the_size_limit);
    check_names("x y");
    check_content("/d/x", "old");
}

static int fill_a_disk(void) {
    static const char text[256 << 10];
    AUTO_STRLIST struct strlist names = {0};
    if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
        mount("none", host("/d"), "tmpfs", 0, "size=64k,mode=755"))
        return 1;
    /* The descriptor of before sees the mounts of before. */
    AUTO_FREE char *path = strdup(root.path);
    root_close(&root);
    if (root_open(&root, path, &err))
        return 1;
    if (publish("/d/x", "old"))
        return 2;
    if (file_publish(&root, "/d/x", text, sizeof text, &plain, &err) != -ENOSPC)
        return 3;
    if (err.kind != ERROR_NO_SPACE || !strstr(err.text, "/d/x: No space left"))
        return 4;
    if (root_list(&root, "/d", &names, &err) || names.count != 1)
        return 5;
    AUTO_BUFFER struct buffer kept = {0};
    if (file_read(&root, "/d/x", 100, &kept, &err) || strcmp(buffer_string(&kept), "old"))
        return 6;
    AUTO_CLOSE int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    AUTO_CLOSE int out = open(host("/d/copy"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file_copy_fd(in, out, "/some/name", &err) != -ENOSPC || err.kind != ERROR_NO_SPACE)
        return 7;
    return file_sync_fs(&root, "/d", &err) ? 8 : 0;
}

static void test_a_full_disk(void) {
    check_in_child(fill_a_disk);
    check_names("");
}

static void test_links(void) {
    CU_ASSERT_EQUAL(file_publish_link(&root, "/d/x", "../anything at all", &err), 0);
    check_link("/d/x", "../anything at all");
    CU_ASSERT_EQUAL(file_publish_link(&root, "/d/x", "/other", &err), 0);
    check_link("/d/x", "/other");
    scratch_root_write(&root, "/d/y", "text");
    CU_ASSERT_EQUAL(file_publish_link(&root, "/d/y", "x", &err), 0);
    check_link("/d/y", "x");
    CU_ASSERT_EQUAL(file_publish_link(&root, "/d/z", "", &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/d/z"));
    check_names("x y");
}

static void test_removing(void) {
    scratch_root_write(&root, "/d/x", "");
    scratch_root_write(&root, "/target", "text");
    scratch_root_link(&root, "/d/y", "../target");
    CU_ASSERT_EQUAL(file_remove(&root, "/d/x", &err), 0);
    CU_ASSERT_EQUAL(file_remove(&root, "/d/y", &err), 0);
    check_names("");
    check_content("/target", "text");
}

static void test_removing_what_is_not_there(void) {
    scratch_root_write(&root, "/d/x", "");
    CU_ASSERT_EQUAL(file_remove(&root, "/d/none", &err), 0);
    CU_ASSERT_EQUAL(file_remove(&root, "/none/x", &err), 0);
    CU_ASSERT_EQUAL(file_remove(&root, "/d/x/y", &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    CU_ASSERT_STRING_EQUAL(err.text, "");
}

static void test_what_cannot_be_removed(void) {
    scratch_root_dir(&root, "/d/x");
    CU_ASSERT_EQUAL(file_remove(&root, "/d/x", &err), -EISDIR);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/d/x"));
    CU_ASSERT_EQUAL(file_remove(&root, "/d/../d", &err), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(file_remove(&root, "/d/x", NULL), -EISDIR);
}

static void test_removing_directories(void) {
    scratch_root_write(&root, "/d/x/file", "");
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/d/x", &err), -ENOTEMPTY);
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/d/none", &err), -ENOENT);
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/none/x", &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    CU_ASSERT_EQUAL(file_remove(&root, "/d/x/file", &err), 0);
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/d/x", &err), 0);
    check_names("");
}

static void test_a_directory_that_stays_is_named(void) {
    scratch_root_write(&root, "/d/file", "");
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/d/file", &err), -ENOTDIR);
    CU_ASSERT_EQUAL(err.kind, ERROR_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/d/file: Not a directory"));
    CU_ASSERT_EQUAL(chmod(host("/d"), 0777), 0);
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/d/x", &err), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

static void test_temporaries_of_the_killed_are_removed(void) {
    static const char *const kept[] = {
        "/d/x",
        "/d/x.prebake-01234567",
        "/d/.prebake-01234567",
        "/d/.x.prebake-0123456",
        "/d/.x.prebake-012345678",
        "/d/.x.prebake-0123456A",
        "/d/.x.prebake-01234567~",
    };
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        scratch_root_write(&root, kept[i], "");
    AUTO_STRLIST struct strlist before = {0};
    CU_ASSERT_EQUAL(root_list(&root, "/d", &before, &err), 0);
    AUTO_FREE char *expected = strlist_join(&before, " ");
    scratch_root_write(&root, "/d/.x.prebake-01234567", "");
    scratch_root_write(&root, "/d/.x.prebake-89abcdef", "");
    CU_ASSERT_EQUAL(file_remove_temporaries(&root, "/d", "x", &err), 0);
    check_names(expected);
    scratch_root_write(&root, "/d/.xx.prebake-01234567", "");
    CU_ASSERT_EQUAL(file_remove_temporaries(&root, "/d", "x", &err), 0);
    CU_ASSERT_TRUE(root_exists(&root, "/d/.xx.prebake-01234567"));
    CU_ASSERT_EQUAL(file_remove_temporaries(&root, "/d", NULL, &err), 0);
    check_names(expected);
    CU_ASSERT_EQUAL(file_remove_temporaries(&root, "/none", NULL, &err), 0);
}

static void test_reading_has_a_bound(void) {
    AUTO_BUFFER struct buffer out = {0}, small = {0}, none = {0};
    scratch_root_write(&root, "/d/x", "0123456789");
    CU_ASSERT_EQUAL(file_read(&root, "/d/x", 10, &out, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&out), "0123456789");
    /* The bound is the file's: what the buffer held before does not count. */
    CU_ASSERT_EQUAL(file_read(&root, "/d/x", 10, &out, &err), 0);
    CU_ASSERT_EQUAL(out.size, 20);
    CU_ASSERT_EQUAL(file_read(&root, "/d/x", 9, &small, &err), -EFBIG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/d/x is larger than 9 bytes"));
    scratch_root_write(&root, "/d/empty", "");
    CU_ASSERT_EQUAL(file_read(&root, "/d/empty", 0, &none, &err), 0);
    CU_ASSERT_EQUAL(none.size, 0);
}

/* 1 TiB of holes: refused at once, and nothing much is allocated. */
static void test_a_huge_file_costs_nothing(void) {
    AUTO_BUFFER struct buffer out = {0};
    scratch_root_write(&root, "/d/x", "");
    CU_ASSERT_EQUAL(truncate(host("/d/x"), 1LL << 40), 0);
    CU_ASSERT_EQUAL(file_read(&root, "/d/x", 1UL << 36, &out, &err), -EFBIG);
    CU_ASSERT_TRUE(out.capacity <= 1 << 16);
}

static void test_files_of_proc_say_no_size(void) {
    AUTO_BUFFER struct buffer out = {0};
    CU_ASSERT_EQUAL(file_read_path("/proc/self/status", 1 << 16, &out, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&out), "\nPid:"));
}

static void test_what_cannot_be_read(void) {
    AUTO_BUFFER struct buffer out = {0};
    CU_ASSERT_EQUAL(mkfifo(host("/d/fifo"), 0600), 0);
    CU_ASSERT_EQUAL(file_read(&root, "/d/fifo", 10, &out, &err), -EINVAL);
    CU_ASSERT_NOT_EQUAL(file_read_path(host("/d/fifo"), 10, &out, &err), 0);
    CU_ASSERT_EQUAL(file_read_path(host("/d"), 10, &out, &err), -EISDIR);
    CU_ASSERT_EQUAL(file_read(&root, "/d/none", 10, &out, &err), -ENOENT);
    CU_ASSERT_EQUAL(file_read_path("/none/x", 10, &out, &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/none/x"));
}

static void test_copying_goes_on_from_where_both_are(void) {
    AUTO_BUFFER struct buffer large = {0};
    for (unsigned i = 0; i < 300000; i++)
        CU_ASSERT_EQUAL(buffer_printf(&large, "%06u ", i), 0);
    scratch_root_write(&root, "/d/x", buffer_string(&large));
    scratch_root_write(&root, "/d/y", "head");
    AUTO_CLOSE int in = open(host("/d/x"), O_RDONLY | O_CLOEXEC);
    AUTO_CLOSE int out = open(host("/d/y"), O_RDWR | O_CLOEXEC);
    CU_ASSERT_EQUAL(lseek(in, 7, SEEK_SET), 7);
    CU_ASSERT_EQUAL(lseek(out, 4, SEEK_SET), 4);
    CU_ASSERT_EQUAL(file_copy_fd(in, out, "x", &err), 0);
    AUTO_BUFFER struct buffer copy = {0};
    CU_ASSERT_EQUAL(file_read_fd(out, "y", 1UL << 30, &copy, &err), 0);
    CU_ASSERT_EQUAL(copy.size, large.size - 3);
    CU_ASSERT_EQUAL(memcmp(copy.data, "head", 4), 0);
    CU_ASSERT_EQUAL(memcmp(copy.data + 4, large.data + 7, large.size - 7), 0);
}

static void test_a_full_device(void) {
    AUTO_CLOSE int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(file_write_all(full, "x", 1), -ENOSPC);
    CU_ASSERT_EQUAL(file_write_all(full, NULL, 0), 0);
    CU_ASSERT_EQUAL(file_write_all(-1, "x", 1), -EBADF);
}

static void test_sync(void) {
    CU_ASSERT_EQUAL(file_sync_fs(&root, "/d", &err), 0);
    CU_ASSERT_EQUAL(file_sync_fs(&root, "/none", &err), -ENOENT);
}

/* Links lead anywhere inside the root, never to this machine's file. */
static void test_reading_through_links(void) {
    AUTO_BUFFER struct buffer text = {0}, none = {0};
    scratch_root_write(&root, "/d/x", "inside");
    scratch_root_link(&root, "/link", "/d/x");
    scratch_root_link(&root, "/host", "/etc/os-release");
    CU_ASSERT_EQUAL(file_read(&root, "/link", 10, &none, &err), -ELOOP);
    CU_ASSERT_EQUAL(file_read_following(&root, "/link", 10, &text, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&text), "inside");
    CU_ASSERT_EQUAL(file_read_following(&root, "/link", 5, &none, &err), -EFBIG);
    CU_ASSERT_EQUAL(file_read_following(&root, "/host", 1 << 20, &none, &err), -ENOENT);
}

/* Which of many is too deep is said with where it is. */
static void test_a_tree_that_stays_is_named(void) {
    AUTO_BUFFER struct buffer path = {0};
    CU_ASSERT_EQUAL(buffer_append_string(&path, "/d/deep"), 0);
    for (int i = 0; i < 70; i++)
        CU_ASSERT_EQUAL(buffer_append_string(&path, "/x"), 0);
    scratch_root_dir(&root, buffer_string(&path));
    CU_ASSERT_EQUAL(file_remove_tree(&root, "/d/deep", &err), -ELOOP);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(strncmp(err.text, host("/d/deep: "), strlen(host("/d/deep: "))), 0);
    CU_ASSERT_EQUAL(file_remove_tree(&root, "/d/none", &err), 0);
    scratch_root_run("rm", "-r", host("/d/deep"), NULL);
}

static void test_reading_at_a_place(void) {
    char bytes[8] = "";
    scratch_root_write(&root, "/d/x", "0123456789");
    AUTO_CLOSE int fd = open(host("/d/x"), O_RDONLY | O_CLOEXEC);
    AUTO_CLOSE int folder = open(host("/d"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(file_read_at(fd, bytes, 4, 2), 4);
    CU_ASSERT_STRING_EQUAL(bytes, "2345");
    CU_ASSERT_EQUAL(file_read_at(fd, bytes, 4, 8), 2);
    CU_ASSERT_EQUAL(memcmp(bytes, "89", 2), 0);
    CU_ASSERT_EQUAL(file_read_at(fd, bytes, 4, 10), 0);
    CU_ASSERT_EQUAL(file_read_at(folder, bytes, 4, 0), -EISDIR);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"reading at a place", test_reading_at_a_place},
        {"a tree that stays is named", test_a_tree_that_stays_is_named},
        {"reading through links", test_reading_through_links},
        {"meta is exact whatever the umask", test_meta_is_exact_whatever_the_umask},
        {"the old file is replaced as a whole", test_the_old_file_is_replaced_as_a_whole},
        {"a link is replaced and its target left alone",
         test_a_link_is_replaced_and_its_target_left_alone},
        {"new means new", test_new_means_new},
        {"failures leave nothing behind", test_failures_leave_nothing_behind},
        {"a size limit is an error and no death", test_a_size_limit_is_an_error_and_no_death},
        {"a full disk", test_a_full_disk},
        {"links", test_links},
        {"removing", test_removing},
        {"removing what is not there", test_removing_what_is_not_there},
        {"what cannot be removed", test_what_cannot_be_removed},
        {"removing directories", test_removing_directories},
        {"a directory that stays is named", test_a_directory_that_stays_is_named},
        {"temporaries of the killed are removed", test_temporaries_of_the_killed_are_removed},
        {"reading has a bound", test_reading_has_a_bound},
        {"a huge file costs nothing", test_a_huge_file_costs_nothing},
        {"files of proc say no size", test_files_of_proc_say_no_size},
        {"what cannot be read", test_what_cannot_be_read},
        {"copying goes on from where both are", test_copying_goes_on_from_where_both_are},
        {"a full device", test_a_full_device},
        {"sync", test_sync},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "file", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
