#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kmod/system/index_parking.h"
#include "kmod/system/index_refresh.h"
#include "kmod/system/index_variants.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define STORE "/var/lib/prebake/store"
#define KERNEL_STORE STORE "/index/" SMALL_KERNEL
#define OURS SMALL_KERNEL_DIR "/updates/dkms/ours.ko"
#define PARKED STORE "/parked/usr" OURS

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct module_index module_index;
static struct error err;

static void succeed(int rc) {
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static void run_depmod(void) {
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
    run_depmod();
    scratch_root_dir(&root, STORE);
}

static void tear_down(void) {
    module_index_release(&module_index);
    scratch_root_remove(&root);
}

static void bake(void) {
    succeed(module_index_keep(&root, SMALL_KERNEL, STORE, &module_index, &err));
    small_kernel_module(&root, OURS, "pci:v000010DEd*", NULL, "base_call");
    succeed(module_index_build(&root, STORE, &module_index, &err));
}

static void move(const char *from, const char *to) {
    scratch_root_run("mv", scratch_root_host(&root, from), scratch_root_host(&root, to), NULL);
}

static void park_module(void) {
    scratch_root_dir(&root, STORE "/parked/usr" SMALL_KERNEL_DIR "/updates/dkms");
    move(OURS, PARKED);
}

static int refresh(void) {
    AUTO_STRLIST struct strlist kernels = {0};
    CU_ASSERT_EQUAL(strlist_add(&kernels, SMALL_KERNEL), 0);
    return index_refresh(&root, &kernels, STORE, NULL, &err);
}

/* Returns whether depmod has to make the index. */
static bool park(void) {
    bool needs_refresh = true;
    succeed(index_parking_park(&root, &module_index, STORE, &needs_refresh, &err));
    park_module();
    if (needs_refresh)
        succeed(refresh());
    succeed(index_parking_settle(&root, &module_index, STORE, &err));
    return needs_refresh;
}

/* Returns whether it could be switched. */
static bool activate(void) {
    AUTO_STRLIST struct strlist ours = {0};
    bool can = index_parking_can_activate(&root, &module_index, STORE), renewed;
    move(PARKED, OURS);
    CU_ASSERT_EQUAL(strlist_add(&ours, "/usr" OURS), 0);
    if (can)
        succeed(index_parking_activate(&root, &module_index, STORE, &err));
    else
        succeed(index_variants_renew(&root, STORE, &ours, &module_index, &renewed, &err));
    succeed(index_variants_commit(&root, STORE, SMALL_KERNEL, &err));
    return can;
}

static void expect_restored(const char *before) {
    bool needs_refresh = true;
    succeed(module_index_restore(&root, &module_index, STORE, &needs_refresh, &err));
    CU_ASSERT_FALSE(needs_refresh);
    scratch_root_run("rm", "-r", scratch_root_host(&root, SMALL_KERNEL_DIR "/updates"), NULL);
    AUTO_FREE char *after = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_there_and_back(void) {
    AUTO_FREE char *unbaked = small_kernel_snapshot(&root);
    bake();
    AUTO_FREE char *active = small_kernel_snapshot(&root);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_FALSE(park());
        CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
        CU_ASSERT_TRUE(small_kernel_resolves(&root, "user"));
        CU_ASSERT_TRUE(activate());
        AUTO_FREE char *again = small_kernel_snapshot(&root);
        CU_ASSERT_STRING_EQUAL(active, again);
        CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    }
    expect_restored(unbaked);
}

/* Killed between the two renames of a file, torn down instead of parked. */
static void test_killed_while_parking(void) {
    AUTO_FREE char *unbaked = small_kernel_snapshot(&root);
    bake();
    scratch_root_run(
        "sh", "-c",
        "mv \"$1/modules.dep.bin\" \"$2/x\" && mv \"$2/without/modules.dep.bin\" \"$1\" && "
        "mv \"$2/x\" \"$2/without/modules.dep.bin\"",
        "sh", scratch_root_host(&root, SMALL_KERNEL_DIR), scratch_root_host(&root, KERNEL_STORE),
        NULL);
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    expect_restored(unbaked);
}

static void test_no_index_before(void) {
    scratch_root_run("sh", "-c", "rm \"$1\"/modules.*.bin \"$1\"/modules.dep", "sh",
                     scratch_root_host(&root, SMALL_KERNEL_DIR), NULL);
    AUTO_FREE char *unbaked = small_kernel_snapshot(&root);
    bake();
    CU_ASSERT_FALSE(park());
    CU_ASSERT_FALSE(root_exists(&root, SMALL_KERNEL_DIR "/modules.dep.bin"));
    CU_ASSERT_TRUE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    expect_restored(unbaked);
}

/* Somebody ran depmod while it was active. */
static void test_changed_while_active(void) {
    bake();
    run_depmod();
    CU_ASSERT_TRUE(park());
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    CU_ASSERT_FALSE(root_exists(&root, KERNEL_STORE));
    CU_ASSERT_FALSE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
}

static void test_changed_while_parked(void) {
    bake();
    CU_ASSERT_FALSE(park());
    usleep(20 * 1000);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/kernel/theirs.ko", NULL, NULL, NULL);
    run_depmod();
    CU_ASSERT_FALSE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
}

/* A module came and nobody ran depmod: the tree tells. */
static void test_tree_changed_while_parked(void) {
    bake();
    CU_ASSERT_FALSE(park());
    usleep(20 * 1000);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/kernel/theirs.ko", NULL, NULL, NULL);
    CU_ASSERT_FALSE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
}

static bool renew(void) {
    AUTO_STRLIST struct strlist ours = {0};
    CU_ASSERT_EQUAL(strlist_add(&ours, "/usr" OURS), 0);
    const struct depmod_view view = {.with = &ours, .kept = STORE "/parked"};
    bool renewed = false;
    succeed(index_parking_renew(&root, &module_index, STORE, &view, &renewed, &err));
    if (renewed)
        succeed(index_variants_commit(&root, STORE, SMALL_KERNEL, &err));
    return renewed;
}

static void test_renewed_while_parked(void) {
    bake();
    CU_ASSERT_FALSE(park());
    CU_ASSERT_FALSE(renew());
    usleep(20 * 1000);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/kernel/theirs.ko", NULL, NULL, NULL);
    CU_ASSERT_TRUE(renew());
    CU_ASSERT_FALSE(renew());
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "theirs"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
}

/* Renewal gives what was never kept. */
static void test_renewed_without_variants(void) {
    bake();
    run_depmod();
    CU_ASSERT_TRUE(park());
    CU_ASSERT_TRUE(renew());
    CU_ASSERT_TRUE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
}

/* What a parking that was killed then leaves. */
static void exchange_dependencies(void) {
    scratch_root_dir(&root, KERNEL_STORE "/with");
    move(SMALL_KERNEL_DIR "/modules.dep.bin", KERNEL_STORE "/x");
    move(KERNEL_STORE "/without/modules.dep.bin", SMALL_KERNEL_DIR "/modules.dep.bin");
    move(KERNEL_STORE "/x", KERNEL_STORE "/without/modules.dep.bin");
}

/* Killed while files changed places: run again it ends the same. */
static void test_park_killed(void) {
    bake();
    AUTO_FREE char *active = small_kernel_snapshot(&root);
    exchange_dependencies();
    CU_ASSERT_FALSE(park());
    CU_ASSERT_TRUE(activate());
    AUTO_FREE char *again = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(active, again);
}

/* As an image's build does that wants the same bytes each time. */
static void give_all_one_time(void) {
    scratch_root_run("find", root.path, "-exec", "touch", "-h", "-d", "@1700000000", "{}", "+",
                     NULL);
}

static void test_all_of_one_time(void) {
    give_all_one_time();
    bake();
    give_all_one_time();
    CU_ASSERT_TRUE(park());
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    give_all_one_time();
    activate();
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
}

static void give_all_one_time_and_seal(void) {
    AUTO_STRLIST struct strlist ours = {0};
    bool renewed = false;
    give_all_one_time();
    CU_ASSERT_EQUAL(strlist_add(&ours, "/usr" OURS), 0);
    succeed(index_variants_renew(&root, STORE, &ours, &module_index, &renewed, &err));
    succeed(index_variants_commit(&root, STORE, SMALL_KERNEL, &err));
    CU_ASSERT_TRUE(renewed);
}

static void test_all_of_one_time_and_sealed(void) {
    give_all_one_time();
    AUTO_FREE char *unbaked = small_kernel_snapshot(&root);
    bake();
    give_all_one_time_and_seal();
    CU_ASSERT_FALSE(park());
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    expect_restored(unbaked);
}

/* Sealed, and killed while files changed places. */
static void test_all_of_one_time_and_killed(void) {
    give_all_one_time();
    bake();
    give_all_one_time_and_seal();
    exchange_dependencies();
    CU_ASSERT_FALSE(park());
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
    CU_ASSERT_TRUE(activate());
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
}

static void test_kernel_gone(void) {
    bool needs_refresh = true;
    bake();
    scratch_root_run("rm", "-r", scratch_root_host(&root, SMALL_KERNEL_DIR), NULL);
    succeed(index_parking_park(&root, &module_index, STORE, &needs_refresh, &err));
    CU_ASSERT_FALSE(needs_refresh);
    CU_ASSERT_FALSE(root_exists(&root, KERNEL_STORE));
}

/* As after a purge of the kernel: what stayed for the bake's sake gets no index. */
static void test_index_gone(void) {
    bool needs_refresh = true;
    bake();
    scratch_root_run("sh", "-c", "cd \"$1\" && rm -r kernel modules.*", "sh",
                     scratch_root_host(&root, SMALL_KERNEL_DIR), NULL);
    succeed(module_index_restore(&root, &module_index, STORE, &needs_refresh, &err));
    CU_ASSERT_FALSE(needs_refresh);
    CU_ASSERT_FALSE(root_exists(&root, SMALL_KERNEL_DIR "/modules.dep.bin"));
    CU_ASSERT_FALSE(root_exists(&root, KERNEL_STORE));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"there and back", test_there_and_back},
        {"killed while parking", test_killed_while_parking},
        {"no index before", test_no_index_before},
        {"changed while active", test_changed_while_active},
        {"changed while parked", test_changed_while_parked},
        {"tree changed while parked", test_tree_changed_while_parked},
        {"renewed while parked", test_renewed_while_parked},
        {"renewed without variants", test_renewed_without_variants},
        {"park killed", test_park_killed},
        {"all of one time", test_all_of_one_time},
        {"all of one time and sealed", test_all_of_one_time_and_sealed},
        {"all of one time and killed", test_all_of_one_time_and_killed},
        {"kernel gone", test_kernel_gone},
        {"index gone", test_index_gone},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "index parking",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
