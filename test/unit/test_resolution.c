#include "kmod/lifecycle/resolution.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define OURS SMALL_KERNEL_DIR "/updates/dkms/ours.ko"
#define CANONICAL "/usr" OURS

static struct root root = ROOT_INIT;
static struct manifest manifest;
static struct facts facts;
static struct removal removal;
static struct error err;

static void run_depmod(void) {
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
}

/* A bake of one module, which the index knows. */
static void set_up(void) {
    char sha256[DIGEST_HEX_SIZE];
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    small_kernel_module(&root, OURS, NULL, NULL, NULL);
    run_depmod();
    facts = (struct facts){0};
    facts.kernel = strdup(SMALL_KERNEL);
    facts_add_module(&facts)->path = strdup(CANONICAL);
    facts_add_index(&facts)->kernel = strdup(SMALL_KERNEL);
    manifest = (struct manifest){0};
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, CANONICAL, &err), 0);
    CU_ASSERT_EQUAL(manifest_write(&root, &manifest, sha256, &err), 0);
    CU_ASSERT_EQUAL(facts_record_placed(&root, CANONICAL, facts_add_placed(&facts), &err), 0);
    CU_ASSERT_EQUAL(facts_record_manifest(&root, &facts, &err), 0);
    removal = (struct removal){.root = &root, .manifest = &manifest, .facts = &facts};
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &removal.context, &err), 0);
}

static void tear_down(void) {
    manifest_release(&manifest);
    facts_release(&facts);
    scratch_root_remove(&root);
}

static bool is_ours(void) {
    const struct strlist no_others = {0};
    return resolution_of_ours(&removal, &facts, &no_others);
}

static void remove_ours(void) {
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, OURS)), 0);
}

static void test_what_is_there_is_resolved(void) {
    CU_ASSERT_TRUE(is_ours());
}

static void test_a_fresh_index_resolves_nothing(void) {
    remove_ours();
    run_depmod();
    CU_ASSERT_FALSE(is_ours());
}

/* modprobe -n succeeds, and modprobe fails: the index is still the bake's. */
static void test_an_index_that_names_a_missing_file(void) {
    remove_ours();
    CU_ASSERT_TRUE(is_ours());
}

static void test_somebody_elses_file_in_its_place(void) {
    remove_ours();
    small_kernel_module(&root, OURS, "pci:v000010DEd*", NULL, NULL);
    CU_ASSERT_FALSE(is_ours());
    run_depmod();
    CU_ASSERT_FALSE(is_ours());
}

static void test_somebody_elses_file_elsewhere(void) {
    remove_ours();
    small_kernel_module(&root, SMALL_KERNEL_DIR "/extra/ours.ko", NULL, NULL, NULL);
    run_depmod();
    CU_ASSERT_FALSE(is_ours());
}

static void test_nothing_known_is_nothing_resolved(void) {
    const struct facts none = {0};
    const struct strlist no_others = {0};
    char *other = NULL;
    CU_ASSERT_FALSE(resolution_of_ours(&removal, &none, &no_others));
    CU_ASSERT_EQUAL(resolution_of(&root, &none, &other), RESOLUTION_NONE);
    CU_ASSERT_EQUAL(resolution_in(&root, &none, SMALL_KERNEL, &other), RESOLUTION_NONE);
    CU_ASSERT_PTR_NULL(other);
}

/* A link led to ours, of which the other kernel's index still knows. */
static void test_another_kernel(void) {
    AUTO_STRLIST struct strlist others = {0};
    CU_ASSERT_EQUAL(strlist_add(&others, SMALL_KERNEL), 0);
    free(facts.indexes[0].kernel);
    facts.indexes[0].kernel = strdup("6.0-none");
    remove_ours();
    CU_ASSERT_FALSE(is_ours());
    CU_ASSERT_TRUE(resolution_of_ours(&removal, &facts, &others));
    run_depmod();
    CU_ASSERT_FALSE(resolution_of_ours(&removal, &facts, &others));
}

/* What modprobe finds, in every kernel and in the bake's own; and whose file it is. */
static void check_found(enum resolution all, enum resolution own, const char *path) {
    AUTO_FREE char *other = NULL, *again = NULL;
    CU_ASSERT_EQUAL(resolution_of(&root, &facts, &other), all);
    CU_ASSERT_EQUAL(resolution_in(&root, &facts, SMALL_KERNEL, &again), own);
    CU_ASSERT_STRING_EQUAL(other ? other : "", path);
    CU_ASSERT_STRING_EQUAL(again ? again : "", path);
}

static void add_module(const char *path) {
    facts_add_module(&facts)->path = strdup(path);
}

/* The index knows files by their names up to the first dot, with '-' and '_' alike. */
static void test_own_files(void) {
    check_found(RESOLUTION_OWN, RESOLUTION_OWN, "");
    add_module("/usr" SMALL_KERNEL_DIR "/updates/dkms/ours_drm-x.ko");
    check_found(RESOLUTION_NONE, RESOLUTION_NONE, "");
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/dkms/ours_drm-x.ko", NULL, NULL, NULL);
    run_depmod();
    check_found(RESOLUTION_OWN, RESOLUTION_OWN, "");
}

static void test_every_kernel_counts(void) {
    facts_add_index(&facts)->kernel = strdup("6.99.1-without-an-index");
    check_found(RESOLUTION_NONE, RESOLUTION_OWN, "");
}

/* For another kernel it is what DKMS built, wherever it put that. */
static void test_what_was_derived(void) {
    scratch_root_run("cp", "-a", scratch_root_host(&root, SMALL_KERNEL_DIR),
                     scratch_root_host(&root, "/lib/modules/6.99.1-other"), NULL);
    facts_add_index(&facts)->kernel = strdup("6.99.1-other");
    check_found(RESOLUTION_OWN, RESOLUTION_OWN, "");
}

static void test_files_that_are_preferred(void) {
    add_module("/usr" SMALL_KERNEL_DIR "/updates/dkms/gone.ko");
    scratch_root_write(&root, "/etc/depmod.d/theirs.conf", "override ours * extra\n");
    small_kernel_module(&root, SMALL_KERNEL_DIR "/extra/ours.ko", NULL, NULL, NULL);
    scratch_root_run("depmod", "-b", root.path, "-C", scratch_root_host(&root, "/etc/depmod.d"),
                     SMALL_KERNEL, NULL);
    check_found(RESOLUTION_FOREIGN, RESOLUTION_FOREIGN, "/usr" SMALL_KERNEL_DIR "/extra/ours.ko");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, SMALL_KERNEL_DIR "/extra/ours.ko")), 0);
    check_found(RESOLUTION_NONE, RESOLUTION_NONE, "");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what is there is resolved", test_what_is_there_is_resolved},
        {"a fresh index resolves nothing", test_a_fresh_index_resolves_nothing},
        {"an index that names a missing file", test_an_index_that_names_a_missing_file},
        {"somebody else's file in its place", test_somebody_elses_file_in_its_place},
        {"somebody else's file elsewhere", test_somebody_elses_file_elsewhere},
        {"nothing known is nothing resolved", test_nothing_known_is_nothing_resolved},
        {"another kernel", test_another_kernel},
        {"own files", test_own_files},
        {"every kernel counts", test_every_kernel_counts},
        {"what was derived", test_what_was_derived},
        {"files that are preferred", test_files_that_are_preferred},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "resolution", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
