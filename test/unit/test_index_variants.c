#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kmod/system/index_variants.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define STORE "/var/lib/prebake/store"
#define KERNEL_STORE STORE "/index/" SMALL_KERNEL
#define OURS SMALL_KERNEL_DIR "/updates/dkms/ours.ko"
#define THEIRS SMALL_KERNEL_DIR "/updates/theirs.ko"

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct module_index module_index;
static struct strlist ours;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
    scratch_root_dir(&root, STORE);
    if (strlist_add(&ours, "/usr" OURS))
        exit(99);
}

static void tear_down(void) {
    module_index_release(&module_index);
    strlist_release(&ours);
    scratch_root_remove(&root);
}

static void succeed(int rc) {
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static const char *in_place(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, SMALL_KERNEL_DIR "/%s", name);
    return scratch_root_host(&root, path);
}

static void run_depmod(void) {
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
}

static void bake(void) {
    succeed(module_index_keep(&root, SMALL_KERNEL, STORE, &module_index, &err));
    small_kernel_module(&root, OURS, "pci:v000010DEd*", NULL, "base_call");
    succeed(module_index_build(&root, STORE, &module_index, &err));
}

static void add_theirs(void) {
    usleep(20 * 1000); /* time stamps come from a clock that ticks every few milliseconds */
    small_kernel_module(&root, THEIRS, "pci:v0000CCCCd*", NULL, "base_call");
}

static bool renew(void) {
    bool renewed = false;
    succeed(index_variants_renew(&root, STORE, &ours, &module_index, &renewed, &err));
    return renewed;
}

static void seal(void) {
    CU_ASSERT_TRUE(renew());
    succeed(index_variants_commit(&root, STORE, SMALL_KERNEL, &err));
    CU_ASSERT_FALSE(renew());
}

static bool restore(void) {
    bool needs_refresh = true;
    succeed(module_index_restore(&root, &module_index, STORE, &needs_refresh, &err));
    return needs_refresh;
}

/* The teardown is a switch, and the index is then what depmod gives. */
static void check_switch_to_fresh(void) {
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    CU_ASSERT_FALSE(restore());
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    scratch_root_run("rm", scratch_root_host(&root, OURS), NULL);
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    CU_ASSERT_FALSE(restore());
}

static void test_nothing_to_do(void) {
    run_depmod();
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    bake();
    AUTO_FREE char *baked = small_kernel_snapshot(&root);
    CU_ASSERT_FALSE(renew());
    CU_ASSERT_FALSE(renew());
    AUTO_FREE char *sealed = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(sealed, baked);
    CU_ASSERT_FALSE(restore());
    scratch_root_run("rm", "-r", in_place("updates"), NULL);
    AUTO_FREE char *after = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

/* A stale index of before the bake is not touched as long as nothing changed. */
static void test_stale_and_nothing_to_do(void) {
    run_depmod();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/modules.alias", "alias stale base\n");
    bake();
    CU_ASSERT_FALSE(renew());
    CU_ASSERT_TRUE(module_index.stale);
}

static void test_a_module_was_added(void) {
    run_depmod();
    bake();
    add_theirs();
    seal();
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
    check_switch_to_fresh();
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
}

static void test_a_module_was_added_and_depmod_run(void) {
    run_depmod();
    bake();
    add_theirs();
    run_depmod();
    seal();
    check_switch_to_fresh();
}

static void test_a_module_was_removed(void) {
    run_depmod();
    bake();
    CU_ASSERT_EQUAL(unlink(in_place("kernel/twin.ko")), 0);
    seal();
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "twin"));
    check_switch_to_fresh();
}

static void test_stale_becomes_fresh(void) {
    run_depmod();
    scratch_root_write(&root, SMALL_KERNEL_DIR "/modules.alias", "alias stale base\n");
    bake();
    add_theirs();
    seal();
    CU_ASSERT_FALSE(module_index.stale);
    check_switch_to_fresh();
}

static void test_no_index_before_becomes_fresh(void) {
    bake();
    add_theirs();
    seal();
    check_switch_to_fresh();
}

/* Someone ran depmod and nothing else: the files from before the bake are still the right ones. */
static void test_depmod_alone_keeps_the_kept(void) {
    run_depmod();
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    bake();
    run_depmod();
    seal();
    CU_ASSERT_FALSE(restore());
    scratch_root_run("rm", "-r", in_place("updates"), NULL);
    AUTO_FREE char *after = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

static void test_fresh_files_have_sane_modes_and_times(void) {
    run_depmod();
    bake();
    add_theirs();
    time_t begun = time(NULL);
    mode_t before = umask(077);
    seal();
    umask(before);
    struct stat with, without;
    CU_ASSERT_EQUAL(stat(in_place("modules.dep"), &with), 0);
    CU_ASSERT_FALSE(restore());
    CU_ASSERT_EQUAL(stat(in_place("modules.dep"), &without), 0);
    CU_ASSERT_EQUAL(without.st_mode & 07777, 0644);
    CU_ASSERT_EQUAL(with.st_mode & 07777, 0644);
    CU_ASSERT_TRUE(without.st_mtim.tv_sec >= begun - 2 && without.st_mtim.tv_sec <= time(NULL));
    CU_ASSERT_FALSE(with.st_mtim.tv_sec == without.st_mtim.tv_sec &&
                    with.st_mtim.tv_nsec == without.st_mtim.tv_nsec);
}

/* As DKMS leaves it when it builds for another kernel than the bake's. */
static void test_a_kernel_without_variants(void) {
    small_kernel_module(&root, OURS, "pci:v000010DEd*", NULL, NULL);
    run_depmod();
    module_index.kernel = strdup(SMALL_KERNEL);
    seal();
    check_switch_to_fresh();
}

/* Between renewal and commit a teardown does not switch, whatever else is in place. */
static void test_not_committed(void) {
    run_depmod();
    bake();
    add_theirs();
    CU_ASSERT_TRUE(renew());
    CU_ASSERT_TRUE(restore());
}

/* As a run that was killed leaves it: with a note, a staging tree, half of the files. */
static void test_goes_on_where_it_was_killed(void) {
    run_depmod();
    bake();
    add_theirs();
    CU_ASSERT_TRUE(renew());
    scratch_root_write(&root, KERNEL_STORE "/staging/lib/modules/x", "half");
    scratch_root_write(&root, SMALL_KERNEL_DIR "/.modules.dep.prebake-12345678", "half");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, KERNEL_STORE "/without/modules.alias.bin")), 0);
    seal();
    CU_ASSERT_FALSE(root_exists(&root, KERNEL_STORE "/staging"));
    CU_ASSERT_FALSE(root_exists(&root, SMALL_KERNEL_DIR "/.modules.dep.prebake-12345678"));
    check_switch_to_fresh();
}

static void test_lost_kept_files_come_back(void) {
    run_depmod();
    bake();
    scratch_root_run("rm", "-r", scratch_root_host(&root, KERNEL_STORE), NULL);
    seal();
    check_switch_to_fresh();
}

static void test_forgetting_kernels(void) {
    AUTO_STRLIST struct strlist kernels = {0};
    scratch_root_write(&root, STORE "/index/6.1.0-gone/without/modules.dep", "");
    scratch_root_write(&root, STORE "/index/6.1.0-there/without/modules.dep", "");
    CU_ASSERT_EQUAL(strlist_add(&kernels, "6.1.0-there"), 0);
    succeed(index_variants_forget_others(&root, STORE, &kernels, &err));
    CU_ASSERT_FALSE(root_exists(&root, STORE "/index/6.1.0-gone"));
    CU_ASSERT_TRUE(root_exists(&root, STORE "/index/6.1.0-there/without/modules.dep"));
    kernels.count = 0;
    succeed(index_variants_forget_others(&root, STORE, &kernels, &err));
    CU_ASSERT_FALSE(root_exists(&root, STORE "/index"));
    succeed(index_variants_forget_others(&root, STORE, &kernels, &err));
    kernels.count = 1;
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing to do", test_nothing_to_do},
        {"stale and nothing to do", test_stale_and_nothing_to_do},
        {"a module was added", test_a_module_was_added},
        {"a module was added and depmod run", test_a_module_was_added_and_depmod_run},
        {"a module was removed", test_a_module_was_removed},
        {"stale becomes fresh", test_stale_becomes_fresh},
        {"no index before becomes fresh", test_no_index_before_becomes_fresh},
        {"depmod alone keeps the kept", test_depmod_alone_keeps_the_kept},
        {"fresh files have sane modes and times", test_fresh_files_have_sane_modes_and_times},
        {"a kernel without variants", test_a_kernel_without_variants},
        {"not committed", test_not_committed},
        {"goes on where it was killed", test_goes_on_where_it_was_killed},
        {"lost kept files come back", test_lost_kept_files_come_back},
        {"forgetting kernels", test_forgetting_kernels},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "index variants",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
