#include "kmod/lifecycle/linked_modules.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define MODULE "/usr/lib/modules/6.1/updates/dkms/ours.ko"
#define SOURCE "/usr/src/x-1/a.c"
#define LINKS "/usr/lib/modules/6.2/weak-updates"

static struct root root = ROOT_INIT;
static struct manifest manifest;
static struct facts facts;
static struct removal removal;
static struct error err;

static void record(const char *path) {
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, path, &err), 0);
    CU_ASSERT_EQUAL(facts_record_placed(&root, path, facts_add_placed(&facts), &err), 0);
}

/* A bake of a module and its source; one link leads to each, and one to the module's folder. */
static void set_up(void) {
    char sha256[DIGEST_HEX_SIZE];
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_write(&root, MODULE, "module");
    scratch_root_write(&root, SOURCE, "source");
    scratch_root_link(&root, LINKS "/ours.ko", MODULE);
    scratch_root_link(&root, LINKS "/source.ko", SOURCE);
    scratch_root_link(&root, LINKS "/folder.ko", "/usr/lib/modules/6.1/updates/dkms");
    manifest = (struct manifest){0};
    facts = (struct facts){0};
    record("/usr/lib/modules/6.1/updates/dkms");
    record(MODULE);
    record(SOURCE);
    CU_ASSERT_EQUAL(manifest_write(&root, &manifest, sha256, &err), 0);
    CU_ASSERT_EQUAL(facts_record_manifest(&root, &facts, &err), 0);
    removal = (struct removal){.root = &root, .manifest = &manifest, .facts = &facts};
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &removal.context, &err), 0);
}

static void tear_down(void) {
    manifest_release(&manifest);
    facts_release(&facts);
    scratch_root_remove(&root);
}

static void expect(size_t count) {
    AUTO_WEAK_LINKS struct weak_links links = {0};
    CU_ASSERT_EQUAL(linked_modules_find(&removal, &links, &err), 0);
    CU_ASSERT_EQUAL_FATAL(links.paths.count, count);
    if (count)
        CU_ASSERT_STRING_EQUAL(links.canonical.items[0], LINKS "/ours.ko");
}

static void test_only_modules_count(void) {
    expect(1);
}

static void test_a_module_that_is_gone(void) {
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, MODULE)), 0);
    expect(1);
    scratch_root_run("rm", "-r", scratch_root_host(&root, "/usr/lib/modules/6.1"), NULL);
    expect(1);
}

static void test_somebody_elses_module(void) {
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, MODULE)), 0);
    scratch_root_write(&root, MODULE, "theirs");
    expect(0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"only modules count", test_only_modules_count},
        {"a module that is gone", test_a_module_that_is_gone},
        {"somebody else's module", test_somebody_elses_module},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "linked modules",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
