#include <CUnit/Basic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "kmod/system/original_module.h"
#include "test/unit/dkms_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define K "6.1"
#define DIR "/lib/modules/" K "/"
#define STORE FIXTURE_TREE "/original_module"
#define STORED STORE "/" K "/" FIXTURE_MACHINE "/"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* mod.ko is built and installed in `folder`; the kernel lists its own module of that name. */
static void install(const char *folder) {
    char path[64];
    dkms_fixture_build(&root, "1.0", K, "mod.ko", "dkms");
    snprintf(path, sizeof path, "%s/mod.ko", folder);
    dkms_fixture_place(&root, K, path, "dkms");
    dkms_fixture_place(&root, K, "modules.order", "kernel/a.ko\nkernel/drivers/net/mod.ko\n");
}

/* Returns how many were found to be somebody else's. */
static unsigned restore(void) {
    AUTO_DKMS_BUILDS struct dkms_builds builds = {0};
    AUTO_DKMS_INSTALLED struct dkms_installed installed = {0};
    const struct dkms_build *build = dkms_fixture_read(&root, K, &builds);
    unsigned foreign = 0;
    CU_ASSERT_EQUAL(dkms_installed_find(&root, build, NULL, &installed, &err), 0);
    int rc = original_module_restore(&root, build, &installed, &foreign, &err);
    CU_ASSERT_EQUAL(rc, 0);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    return foreign;
}

static void test_nothing_stored(void) {
    install("updates/dkms");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    CU_ASSERT_EQUAL(restore(), 0);
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_back_to_the_kernels_place(void) {
    install("extra");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "kernel/drivers/net/mod.ko", "original"));
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "extra/mod.ko", "dkms"));
    CU_ASSERT_FALSE(root_exists(&root, STORE));
}

/* modules.order has the names before compression. */
static void test_back_compressed(void) {
    install("extra");
    dkms_fixture_store(&root, K, "mod.ko.xz", "original");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "kernel/drivers/net/mod.ko.xz", "original"));
}

static void test_back_to_the_place_of_the_displacer(void) {
    install("extra/net");
    dkms_fixture_place(&root, K, "modules.order", "");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "extra/net/mod.ko", "original"));
    CU_ASSERT_FALSE(root_exists(&root, STORE));
}

static void test_origin_says_where(void) {
    install("extra");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    dkms_fixture_store(&root, K, "mod.ko.origin", DIR "updates/deep/mod.ko\nmore\n");
    dkms_fixture_store(&root, K, "collisions/misc/mod.ko", "third");
    dkms_fixture_store(&root, K, "collisions/misc/mod.ko.origin", "/usr" DIR "misc/mod.ko");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "updates/deep/mod.ko", "original"));
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "misc/mod.ko", "third"));
    CU_ASSERT_FALSE(root_exists(&root, STORE));
}

static void test_hostile_origins(void) {
    static const char *const origins[] = {
        "/etc/mod.ko",
        "/lib/modules/6.2/mod.ko",
        DIR "../../../etc/mod.ko",
        DIR "a/../../mod.ko",
        DIR "mod.ko/..",
        DIR "passwd",
        DIR,
        "/lib/modules/" K,
        "lib/modules/" K "/mod.ko",
        DIR "a//mod.ko",
        DIR "./mod.ko",
        "",
        "\n" DIR "misc/mod.ko",
        "/usr/lib/modules/6.1.1/mod.ko",
        DIR "..",
    };
    for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
        install("extra");
        dkms_fixture_store(&root, K, "mod.ko", "original");
        dkms_fixture_store(&root, K, "mod.ko.origin", origins[i]);
        CU_ASSERT_EQUAL(restore(), 0);
        CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "kernel/drivers/net/mod.ko", "original"));
        scratch_root_run("rm", "-r", scratch_root_host(&root, DIR), NULL);
    }
    CU_ASSERT_FALSE(root_exists(&root, "/etc"));
}

static void test_hostile_order(void) {
    install("extra");
    dkms_fixture_place(&root, K, "modules.order", "../../../etc/mod.ko\n/etc/mod.ko\nmod.ko/../x");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "extra/mod.ko", "original"));
    CU_ASSERT_FALSE(root_exists(&root, "/etc"));
}

/* dkms 3.0 keeps these for reference; nothing tells where the other one came from. */
static void test_what_stays_stored(void) {
    install("extra");
    dkms_fixture_store(&root, K, "collisions/kernel/net/mod.ko", "collision");
    dkms_fixture_store(&root, K, "unknown.ko", "unknown");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, STORED "collisions/kernel/net/mod.ko", "collision"));
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, STORED "unknown.ko", "unknown"));
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, STORED "mod.ko", NULL));
}

static void test_its_place_is_taken(void) {
    install("extra");
    dkms_fixture_place(&root, K, "kernel/drivers/net/mod.ko", "the kernel package's next");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    CU_ASSERT_EQUAL(restore(), 1);
    CU_ASSERT_TRUE(
        dkms_fixture_holds(&root, DIR "kernel/drivers/net/mod.ko", "the kernel package's next"));
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, STORED "mod.ko", "original"));
}

/* What runs that were killed leave: a copy that is there already, an .origin, empty folders. */
static void test_second_runs(void) {
    install("extra");
    dkms_fixture_place(&root, K, "kernel/drivers/net/mod.ko", "original");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_FALSE(root_exists(&root, STORE));
    dkms_fixture_store(&root, K, "mod.ko.origin", DIR "kernel/drivers/net/mod.ko");
    scratch_root_dir(&root, STORED "collisions/misc");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_FALSE(root_exists(&root, STORE));
    scratch_root_dir(&root, STORE "/" K);
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_FALSE(root_exists(&root, STORE));
}

static void test_other_kernels_and_machines_stay(void) {
    install("extra");
    scratch_root_write(&root, STORE "/" K "/i686/mod.ko", "32 bits");
    scratch_root_write(&root, STORE "/6.2/" FIXTURE_MACHINE "/mod.ko", "other");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    dkms_fixture_store(&root, K, "mod.ko", "dkms");
    dkms_fixture_place(&root, K, "kernel/drivers/net/mod.ko", "dkms");
    CU_ASSERT_EQUAL(restore(), 0);
    scratch_root_run("rm", "-r", scratch_root_host(&root, DIR "kernel"), NULL);
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_the_kernel_is_gone(void) {
    dkms_fixture_build(&root, "1.0", K, "mod.ko", "dkms");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    dkms_fixture_store(&root, K, "mod.ko.origin", DIR "misc/mod.ko");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_FALSE(root_exists(&root, "/lib"));
    CU_ASSERT_TRUE(root_exists(&root, STORED "mod.ko"));
}

/* /var on a file system of its own; needs a mount namespace, as root has. */
static void test_from_another_file_system(void) {
    const char *top = scratch_root_host(&root, "");
    CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNS), 0);
    CU_ASSERT_EQUAL_FATAL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    scratch_root_dir(&root, "/var");
    const char *var = scratch_root_host(&root, "/var");
    CU_ASSERT_EQUAL_FATAL(mount("tmpfs", var, "tmpfs", 0, NULL), 0);
    /* The descriptor is of the namespace left behind. */
    root_close(&root);
    CU_ASSERT_EQUAL_FATAL(root_open(&root, top, &err), 0);
    install("extra");
    dkms_fixture_store(&root, K, "mod.ko", "original");
    scratch_root_run("touch", "-d", "2024-01-02 03:04:05.6789",
                     scratch_root_host(&root, STORED "mod.ko"), NULL);
    /* What a kill in the middle of the copy leaves. */
    dkms_fixture_place(&root, K, "kernel/drivers/net/.mod.ko.prebake-original", "orig");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "kernel/drivers/net/mod.ko", "original"));
    struct stat st;
    CU_ASSERT_EQUAL(root_stat(&root, DIR "kernel/drivers/net/mod.ko", &st), 0);
    CU_ASSERT_EQUAL(st.st_mtim.tv_nsec, 678900000);
    CU_ASSERT_FALSE(root_exists(&root, DIR "kernel/drivers/net/.mod.ko.prebake-original"));
    CU_ASSERT_FALSE(root_exists(&root, STORE));
    /* Over the displacer, in one step. */
    dkms_fixture_place(&root, K, "modules.order", "");
    dkms_fixture_store(&root, K, "mod.ko", "second");
    CU_ASSERT_EQUAL(restore(), 0);
    CU_ASSERT_TRUE(dkms_fixture_holds(&root, DIR "extra/mod.ko", "second"));
    CU_ASSERT_EQUAL(umount2(var, MNT_DETACH), 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing stored", test_nothing_stored},
        {"back to the kernels place", test_back_to_the_kernels_place},
        {"back compressed", test_back_compressed},
        {"back to the place of the displacer", test_back_to_the_place_of_the_displacer},
        {"origin says where", test_origin_says_where},
        {"hostile origins", test_hostile_origins},
        {"hostile order", test_hostile_order},
        {"what stays stored", test_what_stays_stored},
        {"its place is taken", test_its_place_is_taken},
        {"second runs", test_second_runs},
        {"other kernels and machines stay", test_other_kernels_and_machines_stay},
        {"the kernel is gone", test_the_kernel_is_gone},
        {"from another file system", test_from_another_file_system},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "original modules",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
