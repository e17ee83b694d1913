#include "kmod/lifecycle/placing.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/placing_record.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/root_snapshot.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define MODULES "/lib/modules/6.1"

static struct root root = ROOT_INIT;
static struct placing placing;
static struct journal journal;
static struct error err;
static char *before;

/* A root with usr-merge, and a tree outside of it to be placed. */
static void set_up(void) {
    scratch_root_make(&root);
    err = (struct error){0};
    scratch_root_dir(&root, "/usr" MODULES);
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_write(&root, "/tree/dkms.conf", "PACKAGE_NAME=x\n");
    scratch_root_write(&root, "/tree/sub/x.c", "int x;\n");
    scratch_root_link(&root, "/tree/sub/link", "x.c");
    CU_ASSERT_EQUAL(state_folder_make(&root, NULL, &err), 0);
    CU_ASSERT_EQUAL(journal_begin(&journal, &err), 0);
    before = root_snapshot(&root);
}

static void tear_down(void) {
    free(before);
    journal_release(&journal);
    placing_release(&placing);
    scratch_root_remove(&root);
}

static int add_file(const char *path, const char *text, mode_t mode) {
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(buffer_append_string(&content, text), 0);
    return placing_add_file(&placing, &root, path, &content, mode, &err);
}

static void add_all(void) {
    CU_ASSERT_EQUAL(add_file(MODULES "/updates/dkms/x.ko", "module", 0644), 0);
    CU_ASSERT_EQUAL(add_file("/usr/bin/tool", "tool", 04755), 0);
    CU_ASSERT_EQUAL(
        placing_add_tree(&placing, &root, "/usr/src/x-1", scratch_root_host(&root, "/tree"), &err),
        0);
    CU_ASSERT_EQUAL(placing_add_link(&placing, &root, "/var/lib/dkms/x/kernel", "1/6.1", &err), 0);
}

static int run(void) {
    return placing_run(&placing, &root, &journal, &err);
}

/* Rolls back, drops the journal, and compares with the root of before. */
static void check_identity(void) {
    struct error reason = {0};
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &reason), 0);
    unlink(scratch_root_host(&root, STATE_FOLDER_JOURNAL));
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void check_mode(const char *path, mode_t mode) {
    struct stat st = {0};
    CU_ASSERT_EQUAL(root_stat(&root, path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, mode);
    CU_ASSERT_EQUAL(st.st_uid, 0);
    CU_ASSERT_EQUAL(st.st_gid, 0);
}

static void test_everything_is_in_its_place(void) {
    AUTO_FREE char *target = NULL;
    add_all();
    mode_t old = umask(077);
    CU_ASSERT_EQUAL(run(), 0);
    umask(old);
    check_mode("/usr" MODULES "/updates", S_IFDIR | 0755);
    check_mode("/usr" MODULES "/updates/dkms/x.ko", S_IFREG | 0644);
    check_mode("/usr/bin", S_IFDIR | 0755);
    check_mode("/usr/bin/tool", S_IFREG | 04755);
    CU_ASSERT_EQUAL(root_read_link(&root, "/var/lib/dkms/x/kernel", &target), 0);
    CU_ASSERT_STRING_EQUAL(target, "1/6.1");
    scratch_root_run("diff", "-r", "--no-dereference", scratch_root_host(&root, "/tree"),
                     scratch_root_host(&root, "/usr/src/x-1"), NULL);
    check_identity();
}

static void test_paths_are_resolved_when_added(void) {
    add_all();
    CU_ASSERT_STRING_EQUAL(placing.items[0].path, "/usr" MODULES "/updates/dkms/x.ko");
    AUTO_FREE char *dirs = strlist_join(&placing.dirs, " ");
    CU_ASSERT_STRING_EQUAL(dirs, "/usr" MODULES "/updates /usr" MODULES "/updates/dkms /usr/bin "
                                 "/usr/src /var/lib/dkms /var/lib/dkms/x");
    CU_ASSERT_EQUAL(add_file(MODULES "/updates/dkms/y.ko", "", 0644), 0);
    CU_ASSERT_EQUAL(placing.dirs.count, 6);
    CU_ASSERT_FALSE(root_exists(&root, "/usr/bin"));
}

static void check_not_added(int rc, const char *fact) {
    CU_ASSERT_TRUE(rc < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fact));
    CU_ASSERT_EQUAL(placing.count, 0);
}

static void test_nothing_is_overwritten(void) {
    scratch_root_write(&root, MODULES "/updates/dkms/x.ko", "theirs");
    scratch_root_link(&root, "/usr/src/x-1", "nowhere");
    check_not_added(add_file(MODULES "/updates/dkms/x.ko", "ours", 0644), "already there");
    check_not_added(placing_add_link(&placing, &root, "/usr/src/x-1", "x", &err), "already there");
    check_not_added(placing_add_tree(&placing, &root, "/usr/src/x-1", "/tmp", &err),
                    "already there");
    check_not_added(add_file("/usr/src", "ours", 0644), "already there");
    check_not_added(add_file("/usr/../x", "ours", 0644), "plain path");
    check_not_added(add_file("/usr/src/x-1/below", "ours", 0644), "leads nowhere");
}

static void test_what_appears_meanwhile_is_not_overwritten(void) {
    static const char path[] = "/usr" MODULES "/updates/dkms/x.ko";
    add_all();
    /* The folder of it, too, is made by somebody else. */
    scratch_root_write(&root, path, "theirs");
    free(before);
    before = root_snapshot(&root);
    CU_ASSERT_EQUAL(run(), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    check_identity();
}

static void test_a_path_twice_is_not_placed(void) {
    CU_ASSERT_EQUAL(add_file("/usr/bin/tool", "one", 0755), 0);
    CU_ASSERT_EQUAL(add_file("/usr//bin/./tool", "two", 0755), 0);
    CU_ASSERT_EQUAL(run(), -EEXIST);
    check_identity();
}

static void test_a_tree_that_cannot_be_copied(void) {
    CU_ASSERT_EQUAL(mkfifo(scratch_root_host(&root, "/tree/sub/fifo"), 0600), 0);
    free(before);
    before = root_snapshot(&root);
    add_all();
    CU_ASSERT_EQUAL(run(), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "fifo"));
    CU_ASSERT_FALSE(root_exists(&root, MODULES "/updates/dkms/x.ko"));
    check_identity();
}

static void others_can_write_bin(mode_t mode) {
    scratch_root_dir(&root, "/usr/bin");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/usr/bin"), mode), 0);
    free(before);
    before = root_snapshot(&root);
}

static void test_a_parent_that_others_can_write(void) {
    others_can_write_bin(0777);
    CU_ASSERT_EQUAL(add_file("/usr/bin/tool", "tool", 04755), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    check_identity();
}

static void test_a_parent_that_others_can_write_since(void) {
    add_all();
    others_can_write_bin(0777);
    CU_ASSERT_EQUAL(run(), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/usr/bin"), 0755), 0);
    free(before);
    before = NULL;
    CU_ASSERT_EQUAL(journal_roll_back(&root, &journal, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, MODULES "/updates"));
    CU_ASSERT_FALSE(root_exists(&root, "/var/lib/dkms"));
}

/* What the state folder says is enough to take everything back: the bake may be killed here. */
static void test_the_journal_on_disk_is_enough(void) {
    AUTO_JOURNAL struct journal read = {0};
    add_all();
    CU_ASSERT_EQUAL(run(), 0);
    CU_ASSERT_EQUAL(journal_read(&root, &read, &err), 0);
    CU_ASSERT_EQUAL(read.item_count, 4);
    for (size_t i = 0; i < read.item_count; i++)
        CU_ASSERT_NOT_EQUAL(read.items[i].inode, 0);
    CU_ASSERT_EQUAL(journal_roll_back(&root, &read, &err), 0);
    unlink(scratch_root_host(&root, STATE_FOLDER_JOURNAL));
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

/* Without its journal nothing is begun. */
static void test_no_journal_no_placing(void) {
    scratch_root_dir(&root, STATE_FOLDER_JOURNAL);
    free(before);
    before = root_snapshot(&root);
    add_all();
    CU_ASSERT_NOT_EQUAL(run(), 0);
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void check_entry(const struct manifest *manifest, const char *path,
                        enum manifest_type type) {
    const struct manifest_entry *entry = manifest_find(manifest, path);
    CU_ASSERT_PTR_NOT_NULL(entry);
    CU_ASSERT_TRUE(entry && entry->type == type);
}

static void test_all_of_it_is_recorded(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    add_all();
    CU_ASSERT_EQUAL(run(), 0);
    CU_ASSERT_EQUAL(placing_record(&placing, &root, &manifest, &err), 0);
    CU_ASSERT_EQUAL(manifest_sort(&manifest, &err), 0);
    CU_ASSERT_EQUAL(manifest.count, 6 + 4 + 4);
    check_entry(&manifest, "/usr" MODULES "/updates", MANIFEST_DIR);
    check_entry(&manifest, "/usr" MODULES "/updates/dkms/x.ko", MANIFEST_FILE);
    check_entry(&manifest, "/usr/src/x-1", MANIFEST_DIR);
    check_entry(&manifest, "/usr/src/x-1/sub", MANIFEST_DIR);
    check_entry(&manifest, "/usr/src/x-1/sub/x.c", MANIFEST_FILE);
    check_entry(&manifest, "/usr/src/x-1/sub/link", MANIFEST_LINK);
    check_entry(&manifest, "/var/lib/dkms/x/kernel", MANIFEST_LINK);
    CU_ASSERT_PTR_NULL(manifest_find(&manifest, "/usr/src/x-1/.x-1"));
}

/* It is made, and recorded in the journal, with the others: a killed bake takes it back. */
static void test_what_is_held_comes_last(void) {
    CU_ASSERT_EQUAL(add_file("/opt/marker", "marker", 0644), 0);
    placing_hold(&placing);
    add_all();
    CU_ASSERT_EQUAL(run(), 0);
    CU_ASSERT_TRUE(root_exists(&root, "/usr/bin/tool"));
    CU_ASSERT_FALSE(root_exists(&root, "/opt/marker"));
    check_identity();
    CU_ASSERT_EQUAL(run(), 0);
    CU_ASSERT_EQUAL(placing_run_held(&placing, &root, &journal, &err), 0);
    check_mode("/opt/marker", S_IFREG | 0644);
    check_identity();
}

/* What is copied keeps all that it has. */
static void add_copies(void) {
    scratch_root_write(&root, "/from/bin/tool", "tool");
    scratch_root_link(&root, "/from/bin/link", "tool");
    scratch_root_run("chown", "7:8", scratch_root_host(&root, "/from/bin/tool"), NULL);
    scratch_root_run("chmod", "6751", scratch_root_host(&root, "/from/bin/tool"), NULL);
    scratch_root_run("chmod", "2750", scratch_root_host(&root, "/from/bin"), NULL);
    scratch_root_run("setfattr", "-nuser.x", "-vy", scratch_root_host(&root, "/from/bin/tool"),
                     NULL);
    scratch_root_run("touch", "-hd2020-01-02", scratch_root_host(&root, "/from/bin/tool"),
                     scratch_root_host(&root, "/from/bin/link"), NULL);
    free(before);
    before = root_snapshot(&root);
    const char *from = scratch_root_host(&root, "/from/bin");
    CU_ASSERT_EQUAL(placing_add_dir(&placing, &root, "/opt/bin", from, &err), 0);
    CU_ASSERT_EQUAL(placing_add_dir(&placing, &root, "/lib", from, &err), 0);
    CU_ASSERT_EQUAL(placing_add_copy(&placing, &root, "/opt/bin/tool",
                                     scratch_root_host(&root, "/from/bin/tool"), &err),
                    0);
    CU_ASSERT_EQUAL(placing_add_copy(&placing, &root, "/opt/bin/link",
                                     scratch_root_host(&root, "/from/bin/link"), &err),
                    0);
    CU_ASSERT_EQUAL(placing_add_twin(&placing, &root, "/usr/second", 0, &err), 0);
    CU_ASSERT_EQUAL(placing_check_twice(&placing, &err), 0);
}

static void test_copies_and_names(void) {
    struct stat tool = {0}, second = {0}, link = {0}, folder = {0}, lib = {0};
    add_copies();
    CU_ASSERT_EQUAL(run(), 0);
    CU_ASSERT_EQUAL(root_stat(&root, "/opt/bin/tool", &tool), 0);
    CU_ASSERT_EQUAL(root_stat(&root, "/usr/second", &second), 0);
    CU_ASSERT_EQUAL(root_stat(&root, "/opt/bin/link", &link), 0);
    CU_ASSERT_EQUAL(root_stat(&root, "/opt/bin", &folder), 0);
    CU_ASSERT_EQUAL(root_stat(&root, "/usr/lib", &lib), 0);
    CU_ASSERT_EQUAL(tool.st_mode, S_IFREG | 06751);
    CU_ASSERT_EQUAL(tool.st_uid, 7);
    CU_ASSERT_EQUAL(tool.st_gid, 8);
    CU_ASSERT(tool.st_mtim.tv_sec < 1600000000);
    CU_ASSERT(link.st_mtim.tv_sec < 1600000000);
    CU_ASSERT_EQUAL(tool.st_ino, second.st_ino);
    CU_ASSERT_EQUAL(folder.st_mode, S_IFDIR | 02750);
    CU_ASSERT_EQUAL(lib.st_mode, S_IFDIR | 0755);
    scratch_root_run("getfattr", "-nuser.x", scratch_root_host(&root, "/opt/bin/tool"), NULL);
    check_identity();
}

static void test_twice_is_noticed(void) {
    CU_ASSERT_EQUAL(add_file("/usr/bin/tool", "one", 0755), 0);
    CU_ASSERT_EQUAL(placing_check_twice(&placing, &err), 0);
    CU_ASSERT_EQUAL(add_file("/usr/bin", "two", 0755), 0);
    CU_ASSERT_EQUAL(placing_check_twice(&placing, &err), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/usr/bin "));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"everything is in its place", test_everything_is_in_its_place},
        {"paths are resolved when added", test_paths_are_resolved_when_added},
        {"nothing is overwritten", test_nothing_is_overwritten},
        {"what appears meanwhile is not overwritten",
         test_what_appears_meanwhile_is_not_overwritten},
        {"a path twice is not placed", test_a_path_twice_is_not_placed},
        {"a tree that cannot be copied", test_a_tree_that_cannot_be_copied},
        {"a parent that others can write", test_a_parent_that_others_can_write},
        {"a parent that others can write since", test_a_parent_that_others_can_write_since},
        {"the journal on disk is enough", test_the_journal_on_disk_is_enough},
        {"no journal no placing", test_no_journal_no_placing},
        {"all of it is recorded", test_all_of_it_is_recorded},
        {"what is held comes last", test_what_is_held_comes_last},
        {"copies and names", test_copies_and_names},
        {"twice is noticed", test_twice_is_noticed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "placing", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
