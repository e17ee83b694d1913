#include "kmod/lifecycle/parked_store.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/facts_sample.h"
#include "test/unit/run_suites.h"

static struct facts facts;
static struct manifest manifest, parked;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    facts_sample_make(&facts, 3);
}

static void tear_down(void) {
    facts_release(&facts);
    manifest_release(&manifest);
    manifest_release(&parked);
}

static void set_layout(const char *layout) {
    free(facts.layout);
    facts.layout = strdup(layout);
}

static void test_paths(void) {
    AUTO_FREE char *path = parked_store_path("/usr/bin/x");
    CU_ASSERT_STRING_EQUAL(path, "/var/lib/prebake/store/parked/usr/bin/x");
}

static void test_home(void) {
    CU_ASSERT_FALSE(parked_store_is_home(&facts));
    set_layout(FACTS_PARKED);
    CU_ASSERT_TRUE(parked_store_is_home(&facts));
    /* Facts of an older program, or made from a manifest alone. */
    struct facts empty = {0};
    CU_ASSERT_FALSE(parked_store_is_home(&empty));
}

static void test_module_path(void) {
    AUTO_FREE char *active = parked_store_module_path(&facts, &facts.modules[0]);
    CU_ASSERT_STRING_EQUAL(active, facts.modules[0].path);
    set_layout(FACTS_PARKED);
    AUTO_FREE char *kept = parked_store_module_path(&facts, &facts.modules[0]);
    CU_ASSERT_EQUAL(strncmp(kept, PARKED_STORE "/", strlen(PARKED_STORE "/")), 0);
    CU_ASSERT_STRING_EQUAL(kept + strlen(PARKED_STORE), facts.modules[0].path);
}

static void add(const char *path, enum manifest_type type, mode_t mode) {
    struct manifest_entry entry = {.path = (char *)path, .type = type, .mode = mode, .uid = 7};
    if (type == MANIFEST_FILE)
        strcpy(entry.sha256, FACTS_SAMPLE_DIGEST);
    if (type == MANIFEST_LINK)
        entry.target = (char *)"x";
    CU_ASSERT_EQUAL(manifest_add(&manifest, &entry, &err), 0);
}

static void test_manifest(void) {
    static const struct {
        const char *path;
        enum manifest_type type;
        mode_t mode, parked;
    } entries[] = {
        {"/usr/bin", MANIFEST_DIR, 01777, 01777},   {"/usr/bin/a", MANIFEST_FILE, 04755, 0755},
        {"/usr/bin/b", MANIFEST_FILE, 02750, 0750}, {"/usr/bin/c", MANIFEST_FILE, 06711, 0711},
        {"/usr/bin/d", MANIFEST_FILE, 0644, 0644},  {"/usr/bin/e", MANIFEST_LINK, 0777, 0777},
    };
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        add(entries[i].path, entries[i].type, entries[i].mode);
    CU_ASSERT_EQUAL_FATAL(parked_store_manifest(&manifest, &parked, &err), 0);
    CU_ASSERT_EQUAL_FATAL(parked.count, ARRAY_SIZE(entries));
    for (size_t i = 0; i < parked.count; i++) {
        const struct manifest_entry *kept = &parked.entries[i], *active = &manifest.entries[i];
        AUTO_FREE char *path = parked_store_path(entries[i].path);
        CU_ASSERT_STRING_EQUAL(kept->path, path);
        CU_ASSERT_EQUAL(kept->mode, entries[i].parked);
        CU_ASSERT_EQUAL(active->mode, entries[i].mode);
        CU_ASSERT_EQUAL(kept->type, active->type);
        CU_ASSERT_EQUAL(kept->uid, active->uid);
        CU_ASSERT_STRING_EQUAL(kept->sha256, active->sha256);
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"paths", test_paths},
        {"home", test_home},
        {"a module's path", test_module_path},
        {"the manifest of what is parked", test_manifest},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "parked_store",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
