#include "kmod/lifecycle/bake_residents.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/legacy_module.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define MODULE "/usr/lib/modules/6.1/updates/dkms/nvidia-drm.ko"
#define VERSION "535.261.03"
#define BUILD_ID "00112233445566778899aabbccddeeff00112233"
#define CUSTOMERS "ffeeddccbbaa99887766554433221100ffeeddcc"

static struct root root = ROOT_INIT;
static struct manifest manifest;
static struct facts facts;
static const struct derived nothing_derived;
static struct known_modules modules;
static struct removal removal;
static struct error err;

/* A tree that stands for the running system's own, with one module baked. */
static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    root.is_host = true;
    legacy_module_make(&root, MODULE, VERSION, BUILD_ID);
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, MODULE, &err), 0);
    facts.driver_version = strdup(VERSION);
    struct facts_module *module = facts_add_module(&facts);
    module->path = strdup(MODULE);
    module->name = strdup("nvidia_drm");
    module->build_id = strdup(BUILD_ID);
    removal = (struct removal){.root = &root, .manifest = &manifest, .facts = &facts};
}

static void tear_down(void) {
    known_modules_release(&modules);
    manifest_release(&manifest);
    facts_release(&facts);
    root.is_host = false;
    scratch_root_remove(&root);
}

/* As facts_rebuild() leaves them. */
static void lose_facts(void) {
    facts.modules[0].name[0] = '\0';
    facts.modules[0].build_id[0] = '\0';
    removal.facts = NULL;
    removal.context.copied = true;
}

static void expect_known(size_t count, const char *build_id) {
    CU_ASSERT_EQUAL(bake_residents_find(&removal, &facts, &nothing_derived, &modules, &err), 0);
    CU_ASSERT_EQUAL(modules.count, count);
    if (modules.count != 1)
        return;
    CU_ASSERT_STRING_EQUAL(modules.items[0].name, "nvidia_drm");
    CU_ASSERT_STRING_EQUAL(modules.items[0].build_id, build_id);
    CU_ASSERT_STRING_EQUAL(modules.version, VERSION);
}

static void test_facts_tell(void) {
    legacy_module_make(&root, MODULE, VERSION, CUSTOMERS);
    expect_known(1, BUILD_ID);
    CU_ASSERT_EQUAL(modules.lasting, 1);
}

static void test_facts_are_lost(void) {
    lose_facts();
    expect_known(1, BUILD_ID);
    CU_ASSERT_EQUAL(modules.lasting, 0);
}

/* The driver of a customer who replaced the file is not to be unloaded. */
static void test_replaced_file_tells_nothing(void) {
    lose_facts();
    legacy_module_make(&root, MODULE, VERSION, CUSTOMERS);
    expect_known(0, NULL);
}

static void test_file_is_gone(void) {
    lose_facts();
    scratch_root_run("rm", scratch_root_host(&root, MODULE), NULL);
    expect_known(0, NULL);
}

static void test_recorded(void) {
    lose_facts();
    scratch_root_run("rm", scratch_root_host(&root, MODULE), NULL);
    scratch_root_write(&root, KNOWN_MODULES_RECORD, "nvidia_drm=" BUILD_ID "\n");
    expect_known(1, BUILD_ID);
}

static void test_another_tree(void) {
    root.is_host = false;
    expect_known(0, NULL);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"facts tell", test_facts_tell},
        {"facts are lost", test_facts_are_lost},
        {"a replaced file tells nothing", test_replaced_file_tells_nothing},
        {"the file is gone", test_file_is_gone},
        {"recorded by an earlier run", test_recorded},
        {"another tree than the running system's", test_another_tree},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "modules that may be loaded",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
