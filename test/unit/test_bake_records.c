#include <CUnit/Basic.h>
#include <string.h>

#include "base/digest.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/facts_sample.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define MANIFEST "#mtree\n. type=dir\n./opt type=dir mode=0755 uid=0 gid=0\n"

static struct root root = ROOT_INIT;
static struct marker marker;
static char digest[DIGEST_HEX_SIZE];
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, MANIFEST);
    CU_ASSERT_EQUAL(digest_bytes(MANIFEST, strlen(MANIFEST), digest), 0);
    marker = (struct marker){.manifest_sha256 = digest};
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void write_facts(const char *sha256) {
    AUTO_FACTS struct facts facts = {0};
    facts_sample_make(&facts, 1);
    strcpy(facts.manifest.sha256, sha256);
    CU_ASSERT_EQUAL(facts_write(&root, &facts, &err), 0);
}

static void test_the_manifest_that_the_marker_names(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    CU_ASSERT_EQUAL(bake_records_manifest(&root, &marker, &manifest, &err), 0);
    CU_ASSERT_EQUAL(manifest.count, 1);
}

static void test_another_manifest_is_refused(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, MANIFEST "./usr type=dir\n");
    CU_ASSERT_EQUAL(bake_records_manifest(&root, &marker, &manifest, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(manifest.count, 0);
}

static void test_a_marker_without_a_digest_names_none(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    digest[0] = '\0';
    CU_ASSERT_EQUAL(bake_records_manifest(&root, &marker, &manifest, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

static void test_a_missing_manifest_is_damage(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    unlink(scratch_root_host(&root, STATE_FOLDER_MANIFEST));
    CU_ASSERT_EQUAL(bake_records_manifest(&root, &marker, &manifest, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

static void test_the_facts_of_the_bake(void) {
    AUTO_FACTS struct facts facts = {0};
    write_facts(digest);
    CU_ASSERT_EQUAL(bake_records_facts(&root, &marker, &facts, &err), 0);
    CU_ASSERT_EQUAL(facts.module_count, 2);
}

/* Nothing of them is handed out. */
static void test_facts_of_another_bake_are_damage(void) {
    AUTO_FACTS struct facts facts = {0};
    write_facts(FACTS_SAMPLE_DIGEST);
    CU_ASSERT_EQUAL(bake_records_facts(&root, &marker, &facts, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_EQUAL(facts.module_count, 0);
    CU_ASSERT_PTR_NULL(facts.kernel);
}

static void test_missing_facts_are_damage(void) {
    AUTO_FACTS struct facts facts = {0};
    CU_ASSERT_EQUAL(bake_records_facts(&root, &marker, &facts, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the manifest that the marker names", test_the_manifest_that_the_marker_names},
        {"another manifest is refused", test_another_manifest_is_refused},
        {"a marker without a digest names none", test_a_marker_without_a_digest_names_none},
        {"a missing manifest is damage", test_a_missing_manifest_is_damage},
        {"the facts of the bake", test_the_facts_of_the_bake},
        {"facts of another bake are damage", test_facts_of_another_bake_are_damage},
        {"missing facts are damage", test_missing_facts_are_damage},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "bake_records",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
