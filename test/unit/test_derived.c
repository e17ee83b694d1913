#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/derived.h"
#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/dkms_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define SOURCE FIXTURE_TREE "/1.0/source"

static struct root root = ROOT_INIT;
static struct error err;
static struct manifest manifest;
static struct facts facts;
static struct removal removal;
static struct derived derived;
static struct strlist refresh;
static char name[] = FIXTURE_NAME, version[] = "1.0", kernel[] = "6.1";
static const struct marker marker = {.module = name, .driver_version = version, .kernel = kernel};

static void install(const char *for_kernel) {
    dkms_fixture_build(&root, "1.0", for_kernel, "mod.ko", "module");
    dkms_fixture_place(&root, for_kernel, "updates/dkms/mod.ko", "module");
    dkms_fixture_place(&root, for_kernel, "modules.dep", "updates/dkms/mod.ko:\n");
    dkms_fixture_activate(&root, "1.0", for_kernel);
}

/* A bake for 6.1 whose manifest has the registration's `source`. */
static void set_up(void) {
    char sha256[DIGEST_HEX_SIZE];
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    dkms_fixture_add(&root, "1.0");
    install("6.1");
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, SOURCE, &err), 0);
    CU_ASSERT_EQUAL(manifest_write(&root, &manifest, sha256, &err), 0);
    CU_ASSERT_EQUAL(facts_record_placed(&root, SOURCE, facts_add_placed(&facts), &err), 0);
    CU_ASSERT_EQUAL(facts_record_manifest(&root, &facts, &err), 0);
}

static void tear_down(void) {
    derived_release(&derived);
    strlist_release(&refresh);
    manifest_release(&manifest);
    facts_release(&facts);
    scratch_root_remove(&root);
}

static void open_as(const struct marker *marked) {
    removal = (struct removal){.root = &root, .manifest = &manifest, .facts = &facts};
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &removal.context, &err), 0);
    derived_release(&derived);
    CU_ASSERT_EQUAL(derived_open(&derived, &removal, marked, &err), 0);
}

static void run(const char *refreshed) {
    strlist_release(&refresh);
    CU_ASSERT_EQUAL(derived_files(&derived, &refresh, &err), 0);
    CU_ASSERT_EQUAL(derived_tree(&derived, &err), 0);
    CU_ASSERT_FALSE(derived_left(&derived, &err));
    AUTO_FREE char *kernels = strlist_join(&refresh, " ");
    CU_ASSERT_STRING_EQUAL(kernels, refreshed);
}

static void nothing_happens(void) {
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    run("");
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

static void test_nothing_derived(void) {
    open_as(&marker);
    nothing_happens();
}

static void test_builds_for_other_kernels(void) {
    dkms_fixture_place(&root, "6.2", "modules.dep", "updates/dkms/mod.ko:\n");
    dkms_fixture_place(&root, "6.2", "updates/dkms/other.ko", "other");
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    install("6.2");
    dkms_fixture_build(&root, "1.0", "6.3", "mod.ko", "module");
    scratch_root_write(&root, FIXTURE_TREE "/1.0/build/make.log", "log");
    open_as(&marker);
    CU_ASSERT_TRUE(derived_left(&derived, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "mod/1.0"));
    run("6.2");
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

static void test_the_customers_file_stays(void) {
    install("6.2");
    dkms_fixture_place(&root, "6.2", "updates/dkms/mod.ko", "the customer's");
    open_as(&marker);
    run("6.2");
    CU_ASSERT_EQUAL(derived.removal.foreign, 1);
    CU_ASSERT_TRUE(
        dkms_fixture_holds(&root, "/lib/modules/6.2/updates/dkms/mod.ko", "the customer's"));
}

/* The same name and version, registered anew: its builds are not derived from the bake. */
static void test_another_registration(void) {
    install("6.2");
    dkms_fixture_add(&root, "1.0");
    open_as(&marker);
    nothing_happens();
}

static void test_source_is_gone_already(void) {
    install("6.2");
    scratch_root_run("rm", scratch_root_host(&root, SOURCE), NULL);
    open_as(&marker);
    run("6.2");
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE "/1.0/6.2"));
}

static void test_no_registration(void) {
    struct marker other = marker;
    char unknown[] = "other", hostile[] = "../mod";
    install("6.2");
    other.module = unknown;
    open_as(&other);
    nothing_happens();
    other.module = hostile;
    open_as(&other);
    nothing_happens();
    other.module = NULL;
    open_as(&other);
    nothing_happens();
    scratch_root_run("rm", "-r", scratch_root_host(&root, FIXTURE_TREE "/1.0"), NULL);
    scratch_root_link(&root, FIXTURE_TREE "/1.0", "/elsewhere");
    open_as(&marker);
    nothing_happens();
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing derived", test_nothing_derived},
        {"builds for other kernels", test_builds_for_other_kernels},
        {"the customers file stays", test_the_customers_file_stays},
        {"another registration", test_another_registration},
        {"source is gone already", test_source_is_gone_already},
        {"no registration", test_no_registration},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "derived builds",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
