#include <CUnit/Basic.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strlist.h"
#include "kmod/system/index_store.h"
#include "kmod/system/index_tree.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define STORE "/var/lib/prebake/store"

/* Fresh for each test, with a note of the tree. */
static struct root root = ROOT_INIT;
static struct index_store paths;
static struct error err;

static void note(void) {
    CU_ASSERT_EQUAL(index_tree_note(&root, &paths, &err), 0);
    CU_ASSERT_EQUAL(index_tree_commit(&root, &paths, &err), 0);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
    scratch_root_dir(&root, STORE "/index/" SMALL_KERNEL);
    scratch_root_write(&root, SMALL_KERNEL_DIR "/kernel/drivers/net/x.ko", "x");
    scratch_root_dir(&root, SMALL_KERNEL_DIR "/updates/dkms");
    if (index_store_locate(SMALL_KERNEL, STORE, &paths, &err))
        exit(99);
    note();
}

static void tear_down(void) {
    index_store_release(&paths);
    scratch_root_remove(&root);
}

/* Time stamps come from a clock that ticks every few milliseconds. */
static void let_time_pass(void) {
    usleep(20 * 1000);
}

static const char *in_place(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, SMALL_KERNEL_DIR "/%s", name);
    return scratch_root_host(&root, path);
}

/* The lines of the note, sorted. */
static char *noted(void) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_STRLIST struct strlist lines = {0};
    CU_ASSERT_EQUAL_FATAL(file_read(&root, paths.tree, 1 << 20, &text, &err), 0);
    for (char *line, *rest = (char *)text.data; (line = strsep(&rest, "\n"));)
        CU_ASSERT_EQUAL_FATAL(strlist_add(&lines, line), 0);
    strlist_sort(&lines);
    return strlist_join(&lines, "\n");
}

/* What is read of the changed folders alone is what is read of the whole tree. */
static void expect_changed(void) {
    CU_ASSERT_FALSE(index_tree_unchanged(&root, &paths));
    CU_ASSERT_EQUAL(index_tree_note_again(&root, &paths, &err), 0);
    CU_ASSERT_EQUAL(index_tree_commit(&root, &paths, &err), 0);
    CU_ASSERT_TRUE(index_tree_unchanged(&root, &paths));
    AUTO_FREE char *again = noted();
    note();
    AUTO_FREE char *whole = noted();
    CU_ASSERT_STRING_EQUAL(again, whole);
    CU_ASSERT_TRUE(index_tree_unchanged(&root, &paths));
}

static void test_nothing_changed(void) {
    let_time_pass();
    CU_ASSERT_TRUE(index_tree_unchanged(&root, &paths));
}

static void test_what_does_not_count(void) {
    let_time_pass();
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
    scratch_root_write(&root, SMALL_KERNEL_DIR "/.modules.dep.prebake-12345678", "half");
    CU_ASSERT_EQUAL(unlink(in_place("build")), 0);
    scratch_root_link(&root, SMALL_KERNEL_DIR "/source", "/usr/src/nowhere");
    CU_ASSERT_TRUE(index_tree_unchanged(&root, &paths));
}

static void test_files(void) {
    let_time_pass();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/kernel/drivers/net/y.ko", "y");
    expect_changed();
    let_time_pass();
    CU_ASSERT_EQUAL(unlink(in_place("kernel/drivers/net/y.ko")), 0);
    expect_changed();
    let_time_pass();
    CU_ASSERT_EQUAL(rename(in_place("kernel/base.ko"), in_place("kernel/based.ko")), 0);
    expect_changed();
}

/* Where it is, so that no folder changes. */
static void rewrite(const char *name) {
    let_time_pass();
    FILE *stream = fopen(in_place(name), "r+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fputc('X', stream);
    CU_ASSERT_EQUAL(fclose(stream), 0);
}

static void test_added_modules_that_are_rewritten(void) {
    static const char *const added[] = {"updates/dkms/x.ko", "extra/x.ko.xz", "top.ko"};
    for (size_t i = 0; i < ARRAY_SIZE(added); i++)
        scratch_root_run("install", "-D", "/dev/null", in_place(added[i]), NULL);
    note();
    for (size_t i = 0; i < ARRAY_SIZE(added); i++) {
        CU_ASSERT_TRUE(index_tree_unchanged(&root, &paths));
        rewrite(added[i]);
        expect_changed();
    }
    let_time_pass();
    CU_ASSERT_EQUAL(rename(in_place("extra/x.ko.xz"), in_place("updates/dkms/y.ko.xz")), 0);
    expect_changed();
}

/* The kernel's own modules, and what is no module. */
static void test_what_may_be_rewritten(void) {
    scratch_root_write(&root, SMALL_KERNEL_DIR "/updates/dkms/x.ko.kept", "x");
    note();
    rewrite("kernel/drivers/net/x.ko");
    rewrite("updates/dkms/x.ko.kept");
    CU_ASSERT_TRUE(index_tree_unchanged(&root, &paths));
}

/* A folder's time can be set back, its ctime can't. */
static void test_times_that_were_set_back(void) {
    struct stat st;
    const char *folder = in_place("kernel/drivers/net");
    CU_ASSERT_EQUAL(stat(folder, &st), 0);
    let_time_pass();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/kernel/drivers/net/y.ko", "y");
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, folder, times, 0), 0);
    expect_changed();
}

static void test_folders(void) {
    let_time_pass();
    scratch_root_dir(&root, SMALL_KERNEL_DIR "/kernel/drivers/gpu");
    expect_changed();
    scratch_root_dir(&root, SMALL_KERNEL_DIR "/extra");
    expect_changed();
    CU_ASSERT_EQUAL(rmdir(in_place("extra")), 0);
    expect_changed();
    scratch_root_run("rm", "-r", in_place("kernel/drivers"), NULL);
    expect_changed();
}

/* Files directly in the kernel's folder, which itself changes whenever depmod runs. */
static void test_files_at_the_top(void) {
    let_time_pass();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/x.ko", "x");
    expect_changed();
    let_time_pass();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/modules.order.new", "kernel/base.ko\n");
    CU_ASSERT_EQUAL(unlink(in_place("x.ko")), 0);
    expect_changed();
}

static void test_no_note(void) {
    CU_ASSERT_EQUAL(index_tree_forget(&root, &paths, &err), 0);
    CU_ASSERT_FALSE(index_tree_unchanged(&root, &paths));
    CU_ASSERT_EQUAL(index_tree_forget(&root, &paths, &err), 0);
    scratch_root_run("rm", "-r", scratch_root_host(&root, STORE "/index"), NULL);
    CU_ASSERT_EQUAL(index_tree_forget(&root, &paths, &err), 0);
    CU_ASSERT_EQUAL(index_tree_drop_note(&root, &paths, &err), 0);
    CU_ASSERT_FALSE(index_tree_unchanged(&root, &paths));
}

/* Only a commit makes a note count; one without a note says nothing. */
static void test_commit(void) {
    let_time_pass();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/kernel/y.ko", "y");
    CU_ASSERT_EQUAL(index_tree_note(&root, &paths, &err), 0);
    CU_ASSERT_FALSE(index_tree_unchanged(&root, &paths));
    CU_ASSERT_EQUAL(index_tree_drop_note(&root, &paths, &err), 0);
    CU_ASSERT_EQUAL(index_tree_commit(&root, &paths, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, paths.tree));
    note();
    CU_ASSERT_TRUE(index_tree_unchanged(&root, &paths));
}

static void test_damaged_notes(void) {
    static const char *const damaged[] = {"",
                                          "\n",
                                          "x",
                                          "12",
                                          "12 ",
                                          "12 kernel",
                                          "12 kernel\n",
                                          "kernel 12\n",
                                          "99999999999999999999999999 kernel\n"};
    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
        scratch_root_write(&root, STORE "/index/" SMALL_KERNEL "/tree", damaged[i]);
        CU_ASSERT_FALSE(index_tree_unchanged(&root, &paths));
        CU_ASSERT_EQUAL(index_tree_note_again(&root, &paths, &err), 0);
    }
}

static void expect_no_note(void) {
    note();
    CU_ASSERT_FALSE(root_exists(&root, paths.tree));
    CU_ASSERT_FALSE(index_tree_unchanged(&root, &paths));
}

static void test_names_that_cannot_be_noted(void) {
    scratch_root_dir(&root, SMALL_KERNEL_DIR "/kernel/a\nb");
    expect_no_note();
}

/* In a mount namespace of this program's own; the root's descriptor would lead to the old one. */
static void test_a_mount_in_the_tree(void) {
    AUTO_FREE char *root_path = strdup(root.path);
    const char *folder = in_place("updates/dkms");
    CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNS), 0);
    CU_ASSERT_EQUAL_FATAL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(mount("tmpfs", folder, "tmpfs", 0, NULL), 0);
    root_close(&root);
    CU_ASSERT_EQUAL_FATAL(root_open(&root, root_path, &err), 0);
    expect_no_note();
    CU_ASSERT_EQUAL(umount(folder), 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing changed", test_nothing_changed},
        {"what does not count", test_what_does_not_count},
        {"files", test_files},
        {"added modules that are rewritten", test_added_modules_that_are_rewritten},
        {"what may be rewritten", test_what_may_be_rewritten},
        {"times that were set back", test_times_that_were_set_back},
        {"folders", test_folders},
        {"files at the top", test_files_at_the_top},
        {"no note", test_no_note},
        {"commit", test_commit},
        {"damaged notes", test_damaged_notes},
        {"names that can't be noted", test_names_that_cannot_be_noted},
        {"a mount in the tree", test_a_mount_in_the_tree},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "index tree", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
