#include "kmod/lifecycle/facts_rebuild.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"

#define COMPAT "/opt/marker"
#define MODULE "/usr/lib/modules/6.1/updates/dkms/x.ko"
#define DIGEST "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"

static const struct marker marker = {.kernel = "6.1",
                                     .driver_version = "1.0",
                                     .driver_kind = "cuda",
                                     .arch = "x86_64",
                                     .module = "x",
                                     .manifest_sha256 = DIGEST};
static struct manifest manifest;
static struct facts facts;
static struct error err;

static void add(const char *path, const char *sha256) {
    struct manifest_entry entry = {.path = (char *)path, .type = MANIFEST_FILE, .mode = 0644};
    memcpy(entry.sha256, sha256, sizeof entry.sha256);
    CU_ASSERT_EQUAL(manifest_add(&manifest, &entry, &err), 0);
}

static void set_up(void) {
    err = (struct error){0};
    add(MODULE, DIGEST);
    add("/usr/src/x-1.0/dkms.conf", DIGEST);
}

static void tear_down(void) {
    manifest_release(&manifest);
    facts_release(&facts);
}

static void test_modules_and_registration(void) {
    CU_ASSERT_EQUAL(facts_rebuild(&manifest, &marker, &facts, &err), 0);
    CU_ASSERT_STRING_EQUAL(facts.kernel, "6.1");
    CU_ASSERT_STRING_EQUAL(facts.dkms.version, "1.0");
    CU_ASSERT_EQUAL(facts.module_count, 1);
    CU_ASSERT_STRING_EQUAL(facts.modules[0].path, MODULE);
    CU_ASSERT_PTR_NULL(facts.compat_marker);
}

/* Whatever its path: no other file of a bake has this content. */
static void test_compat_marker_by_content(void) {
    AUTO_BUFFER struct buffer text = {0};
    char sha256[DIGEST_HEX_SIZE];
    CU_ASSERT_EQUAL(marker_format_compat(&marker, &text, &err), 0);
    CU_ASSERT_EQUAL(digest_bytes(text.data, text.size, sha256), 0);
    add(COMPAT, sha256);
    CU_ASSERT_EQUAL(facts_rebuild(&manifest, &marker, &facts, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(facts.compat_marker);
    CU_ASSERT_TRUE(facts.compat_marker && !strcmp(facts.compat_marker, COMPAT));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"modules and registration", test_modules_and_registration},
        {"compat marker by content", test_compat_marker_by_content},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "facts_rebuild",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
