#include <CUnit/Basic.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "kmod/system/index_refresh.h"
#include "kmod/system/module_index.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define STORE "/var/lib/prebake/store"
#define KERNEL_STORE STORE "/index/" SMALL_KERNEL
#define OURS SMALL_KERNEL_DIR "/updates/dkms/ours.ko"

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct module_index module_index;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
    scratch_root_dir(&root, STORE);
}

static void tear_down(void) {
    module_index_release(&module_index);
    scratch_root_remove(&root);
}

static const char *in_place(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, SMALL_KERNEL_DIR "/%s", name);
    return scratch_root_host(&root, path);
}

static void run_depmod(void) {
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
}

static void place_ours(void) {
    small_kernel_module(&root, OURS, "pci:v000010DEd*", NULL, "base_call");
}

static void remove_ours(void) {
    scratch_root_run("rm", "-r", scratch_root_host(&root, SMALL_KERNEL_DIR "/updates"), NULL);
}

static void succeed(int rc) {
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static int refresh(const char *kernel, const struct strlist *without) {
    AUTO_STRLIST struct strlist kernels = {0};
    CU_ASSERT_EQUAL(strlist_add(&kernels, kernel), 0);
    return index_refresh(&root, &kernels, STORE, without, &err);
}

static void bake(void) {
    succeed(module_index_keep(&root, SMALL_KERNEL, STORE, &module_index, &err));
    place_ours();
    succeed(module_index_build(&root, STORE, &module_index, &err));
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
}

static bool restore(void) {
    bool needs_refresh = false;
    succeed(module_index_restore(&root, &module_index, STORE, &needs_refresh, &err));
    return needs_refresh;
}

static void check_store_is_empty(void) {
    AUTO_STRLIST struct strlist names = {0};
    CU_ASSERT_TRUE(root_exists(&root, STORE));
    CU_ASSERT_EQUAL(root_list(&root, STORE, &names, &err), 0);
    CU_ASSERT_EQUAL(names.count, 0);
}

static void check_identity(const char *before) {
    AUTO_FREE char *after = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
    check_store_is_empty();
}

/* bake, restore, restore again. */
static void check_round_trip(bool expect_stale) {
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    bake();
    CU_ASSERT_EQUAL(module_index.stale, expect_stale);
    CU_ASSERT_FALSE(restore());
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    remove_ours();
    check_identity(before);
    CU_ASSERT_FALSE(restore());
    check_identity(before);
}

static void test_the_index_is_depmods(void) {
    bake();
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
}

static void test_absent_stays_absent(void) {
    check_round_trip(false);
}

static void test_fresh_comes_back_as_it_was(void) {
    run_depmod();
    check_round_trip(false);
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "user"));
}

static void test_attributes_come_back(void) {
    run_depmod();
    struct timespec old[2] = {{.tv_sec = 1000000000, .tv_nsec = 123456789},
                              {.tv_sec = 1100000000, .tv_nsec = 987654321}};
    CU_ASSERT_EQUAL(chmod(in_place("modules.dep"), 0600), 0);
    CU_ASSERT_EQUAL(setxattr(in_place("modules.dep"), "user.test", "kept", 4, 0), 0);
    CU_ASSERT_EQUAL(chown(in_place("modules.alias"), 12, 34), 0);
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, in_place("modules.dep.bin"), old, 0), 0);
    CU_ASSERT_EQUAL(link(in_place("modules.symbols"), in_place("kernel/second-name")), 0);
    CU_ASSERT_EQUAL(unlink(in_place("modules.devname")), 0);
    CU_ASSERT_EQUAL(symlink("/nowhere", in_place("modules.devname")), 0);
    check_round_trip(true);
}

static void test_stale_stays_stale(void) {
    run_depmod();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/modules.dep", "kernel/gone.ko:\n");
    CU_ASSERT_EQUAL(unlink(in_place("modules.alias.bin")), 0);
    check_round_trip(true);
}

static void test_files_of_others_stay(void) {
    scratch_root_write(&root, SMALL_KERNEL_DIR "/modules.drm", "i915\n");
    check_round_trip(false);
}

static void test_odd_umask(void) {
    mode_t before = umask(077);
    bake();
    umask(before);
    struct stat st;
    CU_ASSERT_EQUAL(stat(in_place("modules.dep"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0644);
}

static void test_kept_is_not_kept_twice(void) {
    bake();
    struct module_index second = {0};
    CU_ASSERT_EQUAL(module_index_keep(&root, SMALL_KERNEL, STORE, &second, &err), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, SMALL_KERNEL));
    CU_ASSERT_PTR_NULL(second.kernel);
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
}

static void test_undo_of_a_whole_bake(void) {
    run_depmod();
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    bake();
    succeed(module_index_undo(&root, SMALL_KERNEL, STORE, &err));
    remove_ours();
    check_identity(before);
    succeed(module_index_undo(&root, SMALL_KERNEL, STORE, &err));
    check_identity(before);
}

static void test_undo_before_anything_was_published(void) {
    run_depmod();
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    succeed(module_index_keep(&root, SMALL_KERNEL, STORE, &module_index, &err));
    succeed(module_index_undo(&root, SMALL_KERNEL, STORE, &err));
    check_identity(before);
}

/* As a run killed half way leaves it: some files are back, a temporary lies about. */
static void test_restore_goes_on_where_it_was_killed(void) {
    run_depmod();
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    bake();
    CU_ASSERT_EQUAL(rename(scratch_root_host(&root, KERNEL_STORE "/without/modules.dep.bin"),
                           in_place("modules.dep.bin")),
                    0);
    scratch_root_write(&root, SMALL_KERNEL_DIR "/.modules.alias.prebake-0badcafe", "half");
    CU_ASSERT_FALSE(restore());
    remove_ours();
    check_identity(before);
}

/* Decided for depmod, then killed with the kept files half dropped: still depmod. */
static void test_fallback_stays_decided(void) {
    run_depmod();
    bake();
    run_depmod();
    scratch_root_run("rm", "-r", scratch_root_host(&root, KERNEL_STORE "/without"), NULL);
    CU_ASSERT_TRUE(restore());
    CU_ASSERT_TRUE(restore());
    remove_ours();
    succeed(refresh(SMALL_KERNEL, NULL));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
}

static void test_an_index_of_someone_else_is_rebuilt(void) {
    run_depmod();
    bake();
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/theirs.ko", NULL, NULL, NULL);
    run_depmod();
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    CU_ASSERT_TRUE(restore());
    check_identity(before);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, OURS)), 0);
    succeed(refresh(SMALL_KERNEL, NULL));
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    check_store_is_empty();
}

/* It could not be removed, and is not to be found. */
static void test_an_index_without_a_file_that_is_there(void) {
    AUTO_STRLIST struct strlist without = {0};
    run_depmod();
    bake();
    CU_ASSERT_EQUAL(strlist_add(&without, "/usr" OURS), 0);
    succeed(refresh(SMALL_KERNEL, &without));
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "user"));
    remove_ours();
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
}

static void test_depmod_after_a_bake_without_index(void) {
    bake();
    run_depmod();
    CU_ASSERT_TRUE(restore());
}

static void test_lost_kept_files_are_noticed(void) {
    run_depmod();
    bake();
    scratch_root_run("rm", "-r", scratch_root_host(&root, STORE "/index"), NULL);
    CU_ASSERT_TRUE(restore());
}

/* What somebody put in a kept file's place is not put in the index's place. */
static void test_spoilt_kept_files_are_noticed(void) {
    run_depmod();
    bake();
    const char *kept = scratch_root_host(&root, KERNEL_STORE "/without/modules.dep");
    CU_ASSERT_EQUAL(unlink(kept), 0);
    CU_ASSERT_EQUAL(mkdir(kept, 0755), 0);
    CU_ASSERT_TRUE(restore());
}

static void test_a_replaced_kept_file_is_noticed(void) {
    run_depmod();
    bake();
    scratch_root_write(&root, KERNEL_STORE "/without/modules.dep", "kernel/theirs.ko:\n");
    CU_ASSERT_TRUE(restore());
}

static void test_a_kernel_that_is_gone_needs_nothing(void) {
    run_depmod();
    bake();
    scratch_root_run("rm", "-r", scratch_root_host(&root, SMALL_KERNEL_DIR), NULL);
    CU_ASSERT_FALSE(restore());
    check_store_is_empty();
    succeed(refresh(SMALL_KERNEL, NULL));
    CU_ASSERT_FALSE(root_exists(&root, SMALL_KERNEL_DIR));
    check_store_is_empty();
}

/* ext4 gives a file that is made again its old inode: the ctime tells them apart. */
static void test_equal_bytes_of_someone_else(void) {
    bake();
    scratch_root_run("cp", "-p", in_place("modules.dep"), scratch_root_host(&root, "/saved"), NULL);
    CU_ASSERT_EQUAL(rename(scratch_root_host(&root, "/saved"), in_place("modules.dep")), 0);
    CU_ASSERT_TRUE(restore());
}

static void test_hostile_kernel_names(void) {
    static const char *const hostile[] = {"../../etc", "", ".", "-b", "6.1/x", "6.1 x", "*"};
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        struct module_index refused = {0};
        CU_ASSERT_EQUAL(module_index_keep(&root, hostile[i], STORE, &refused, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
        CU_ASSERT_EQUAL(refresh(hostile[i], NULL), -EINVAL);
        CU_ASSERT_EQUAL(module_index_undo(&root, hostile[i], STORE, &err), -EINVAL);
    }
    check_store_is_empty();
}

static void test_no_such_kernel(void) {
    CU_ASSERT_EQUAL(module_index_keep(&root, "6.99.1-none", STORE, &module_index, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "6.99.1-none"));
    check_store_is_empty();
}

/* In a mount namespace of this program's own. The root's descriptor would lead to the old one. */
static void mount_on(const char *path) {
    AUTO_FREE char *root_path = strdup(root.path);
    CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNS), 0);
    CU_ASSERT_EQUAL_FATAL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(mount("tmpfs", path, "tmpfs", 0, "mode=0700"), 0);
    root_close(&root);
    succeed(root_open(&root, root_path, &err));
}

static void test_store_on_another_file_system(void) {
    run_depmod();
    CU_ASSERT_EQUAL(chmod(in_place("modules.dep"), 0640), 0);
    CU_ASSERT_EQUAL(chown(in_place("modules.alias"), 12, 34), 0);
    CU_ASSERT_EQUAL(unlink(in_place("modules.devname")), 0);
    CU_ASSERT_EQUAL(symlink("/nowhere", in_place("modules.devname")), 0);
    const char *folder = scratch_root_host(&root, SMALL_KERNEL_DIR);
    const char *listing = scratch_root_host(&root, "/listing");
    const char *store = scratch_root_host(&root, STORE);
    scratch_root_run("cp", "-a", folder, listing, NULL);
    mount_on(store);
    bake();
    CU_ASSERT_FALSE(restore());
    remove_ours();
    check_store_is_empty();
    CU_ASSERT_EQUAL(umount(store), 0);
    scratch_root_run("diff", "-r", "--no-dereference", listing, folder, NULL);
    /* Inodes are new; names, modes, owners, times and contents are those of before. */
    struct stat before, after;
    static const char *const names[] = {"modules.dep", "modules.alias", "modules.devname"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[64];
        snprintf(path, sizeof path, "/listing/%s", names[i]);
        CU_ASSERT_EQUAL(root_stat(&root, path, &before), 0);
        CU_ASSERT_EQUAL(lstat(in_place(names[i]), &after), 0);
        CU_ASSERT_EQUAL(after.st_mode, before.st_mode);
        CU_ASSERT_EQUAL(after.st_uid, before.st_uid);
        CU_ASSERT_EQUAL(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
        CU_ASSERT_EQUAL(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the index is depmod's", test_the_index_is_depmods},
        {"absent stays absent", test_absent_stays_absent},
        {"fresh comes back as it was", test_fresh_comes_back_as_it_was},
        {"attributes come back", test_attributes_come_back},
        {"stale stays stale", test_stale_stays_stale},
        {"files of others stay", test_files_of_others_stay},
        {"odd umask", test_odd_umask},
        {"kept is not kept twice", test_kept_is_not_kept_twice},
        {"undo of a whole bake", test_undo_of_a_whole_bake},
        {"undo before anything was published", test_undo_before_anything_was_published},
        {"restore goes on where it was killed", test_restore_goes_on_where_it_was_killed},
        {"fallback stays decided", test_fallback_stays_decided},
        {"an index of someone else is rebuilt", test_an_index_of_someone_else_is_rebuilt},
        {"an index without a file that is there", test_an_index_without_a_file_that_is_there},
        {"depmod after a bake without index", test_depmod_after_a_bake_without_index},
        {"lost kept files are noticed", test_lost_kept_files_are_noticed},
        {"spoilt kept files are noticed", test_spoilt_kept_files_are_noticed},
        {"a replaced kept file is noticed", test_a_replaced_kept_file_is_noticed},
        {"a kernel that is gone needs nothing", test_a_kernel_that_is_gone_needs_nothing},
        {"equal bytes of someone else", test_equal_bytes_of_someone_else},
        {"hostile kernel names", test_hostile_kernel_names},
        {"no such kernel", test_no_such_kernel},
        {"store on another file system", test_store_on_another_file_system},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "module index",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
