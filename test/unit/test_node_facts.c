#include "kmod/lifecycle/node_facts.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/parked_store.h"
#include "test/unit/facts_sample.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/* Those of the sample facts. */
#define KERNEL "6.1.0-47-cloud-amd64"
#define VERSION "535.261.03"
#define FILE_PATH "/usr/src/x/file"
#define T4 "pci:v000010DEd00001EB8sv000010DEsd000012A2bc03sc02i00"

static struct root root = ROOT_INIT, sysfs = ROOT_INIT;
static struct node_wishes wishes;
static struct node_facts facts;
static struct error err;

/* A bake of one file, with records of what was placed; modprobe finds none of its modules. */
static void bake(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    AUTO_FACTS struct facts baked = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    scratch_root_write(&root, FILE_PATH, "content");
    facts_sample_make(&baked, 0);
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, FILE_PATH, &err), 0);
    CU_ASSERT_EQUAL(manifest_write(&root, &manifest, baked.manifest.sha256, &err), 0);
    CU_ASSERT_EQUAL(facts_record_placed(&root, FILE_PATH, facts_add_placed(&baked), &err), 0);
    CU_ASSERT_EQUAL(facts_record_manifest(&root, &baked, &err), 0);
    CU_ASSERT_EQUAL(facts_write(&root, &baked, &err), 0);
    CU_ASSERT_EQUAL(state_word_write(&root, STATE_ACTIVE, &err), 0);
    const struct marker marker = {.kernel = baked.kernel,
                                  .driver_version = baked.driver_version,
                                  .driver_kind = baked.driver_kind,
                                  .arch = baked.machine,
                                  .module = baked.module,
                                  .manifest_sha256 = baked.manifest.sha256};
    CU_ASSERT_EQUAL(marker_write(&root, &marker, &err), 0);
}

static void set_up(void) {
    err = (struct error){0};
    facts = (struct node_facts){0};
    scratch_root_make(&root);
    scratch_root_make(&sysfs);
    wishes = (struct node_wishes){.gpu_node = true,
                                  .driver_type = "cuda-lts",
                                  .driver_version = VERSION,
                                  .kernel = KERNEL,
                                  .arch = "x86_64"};
}

static void tear_down(void) {
    node_facts_release(&facts);
    scratch_root_remove(&root);
    scratch_root_remove(&sysfs);
}

static void look(void) {
    node_facts_release(&facts);
    CU_ASSERT_EQUAL(node_facts_look(&root, &wishes, &facts, &err), 0);
}

static void look_closer(void) {
    look();
    CU_ASSERT_EQUAL(node_facts_look_closer(&root, &wishes, true, &facts, &err), 0);
}

/* Exactly one fact decides, or none. */
static void check_reason(const char *reason, const char *sentence) {
    CU_ASSERT_STRING_EQUAL(policy_decide(&facts.policy).reason, reason);
    CU_ASSERT_PTR_NOT_NULL(strstr(facts.why.text, sentence));
}

static void test_no_marker(void) {
    look();
    check_reason("no_marker", "");
    scratch_root_dir(&root, STATE_FOLDER);
    look();
    check_reason("no_marker", "");
}

static void test_what_differs(void) {
    bake();
    look();
    check_reason("matches", "");
    wishes.arch = "aarch64";
    look();
    check_reason("arch_differs", "'x86_64', and this node's is 'aarch64'");
    wishes.kernel = "6.1";
    look();
    check_reason("kernel_differs", "'6.1'");
    wishes.driver_version = "";
    look();
    check_reason("version_differs", "''");
    wishes.driver_type = NULL;
    look();
    check_reason("kind_differs", "'cuda', and this node's is ''");
    wishes.skip_driver = true;
    look();
    check_reason("skip_driver", "");
    wishes.gpu_node = false;
    look();
    check_reason("not_gpu_node", "");
}

static void check_word(enum state_word word, const char *reason) {
    CU_ASSERT_EQUAL(state_word_write(&root, word, &err), 0);
    look();
    CU_ASSERT_STRING_EQUAL(policy_decide(&facts.policy).reason, reason);
}

static void test_words(void) {
    bake();
    check_word(STATE_TEARING_DOWN, "teardown_begun");
    check_word(STATE_NONE, "damaged");
    check_word(STATE_PARKING, "matches");
    scratch_root_write(&root, STATE_FOLDER_WORD, "act");
    look();
    check_reason("damaged", "state");
}

/* A newer format may mean anything; what is cut short is damaged. */
static void test_markers(void) {
    bake();
    scratch_root_write(&root, STATE_FOLDER_MARKER, "format=2\n");
    look();
    check_reason("marker_refused", "format 2");
    scratch_root_write(&root, STATE_FOLDER_MARKER, "format=1\nmanifest_sha256=8f43\n");
    look();
    check_reason("damaged", "manifest_sha256");
    scratch_root_write(&root, STATE_FOLDER_MARKER, "form");
    look();
    check_reason("damaged", "marker");
}

static void test_paths(void) {
    bake();
    look_closer();
    /* Whole, and not in the index: what activating brings about. */
    CU_ASSERT_FALSE(facts.policy.damaged);
    CU_ASSERT_TRUE(facts.policy.inactive);
    scratch_root_write(&root, FILE_PATH, "Content");
    look_closer();
    check_reason("damaged", FILE_PATH);
}

static void test_records(void) {
    bake();
    scratch_root_write(&root, STATE_FOLDER_FACTS, "{");
    look_closer();
    check_reason("damaged", "facts");
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, "#mtree\n");
    look_closer();
    check_reason("damaged", "manifest");
}

/* An activation that was killed at its end is ended, whatever else is there. */
static void test_unfinished(void) {
    bake();
    scratch_root_dir(&root, PARKED_STORE);
    unlink(scratch_root_host(&root, FILE_PATH));
    look_closer();
    CU_ASSERT_EQUAL(policy_decide(&facts.policy).action, POLICY_ACTIVATE);
}

static void test_symbols(void) {
    bake();
    scratch_root_write(&root, "/lib/modules/" KERNEL "/build/Module.symvers", "0x1 a vmlinux E\n");
    look_closer();
    check_reason("symvers_differ", "Module.symvers");
}

/* The sample's modules are for every NVIDIA display; no device in sight is no objection. */
static void test_gpus(void) {
    bake();
    wishes.sysfs = sysfs.path;
    look_closer();
    CU_ASSERT_FALSE(facts.policy.gpu_unsupported);
    scratch_root_write(&sysfs, "/bus/pci/devices/0000:01:00.0/modalias", T4 "\n");
    look_closer();
    CU_ASSERT_FALSE(facts.policy.gpu_unsupported);
    scratch_root_write(&sysfs, "/bus/pci/devices/0000:02:00.0/modalias",
                       "pci:v000010DEd00001DB1sv000010DEsd00001212bc03sc80i00\n");
    look_closer();
    check_reason("gpu_unsupported", "00001DB1");
}

static void test_legacy(void) {
    wishes.legacy_marker = "/opt/marker";
    scratch_root_write(&root, "/opt/marker",
                       "kernel=" KERNEL "\ndriver_version=" VERSION "\narch=x86_64\n");
    look();
    check_reason("matches", "");
    CU_ASSERT_TRUE(facts.marker.legacy);
    look_closer();
    check_reason("damaged", "modprobe finds no nvidia module");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no marker", test_no_marker},
        {"what differs", test_what_differs},
        {"words", test_words},
        {"markers", test_markers},
        {"paths", test_paths},
        {"records", test_records},
        {"unfinished", test_unfinished},
        {"symbols", test_symbols},
        {"GPUs", test_gpus},
        {"legacy", test_legacy},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "node_facts", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
