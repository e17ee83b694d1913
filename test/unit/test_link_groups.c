#include "kmod/lifecycle/link_groups.h"

#include <CUnit/Basic.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root;
static struct manifest manifest;
static struct facts facts;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    manifest_release(&manifest);
    facts_release(&facts);
    scratch_root_remove(&root);
}

static void make(const char *path, const char *other) {
    struct error err = {0};
    if (other) {
        CU_ASSERT_EQUAL(link(scratch_root_host(&root, other), scratch_root_host(&root, path)), 0);
    } else {
        scratch_root_write(&root, path, path);
    }
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, path, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(facts_add_placed(&facts));
}

static void test_groups(void) {
    struct error err = {0};
    make("/a", NULL);
    make("/b", NULL);
    make("/c", "/a");
    make("/d", NULL);
    make("/e", "/d");
    make("/f", "/a");
    make("/g", NULL);
    /* Another name that is not of the bake. */
    CU_ASSERT_EQUAL(link(scratch_root_host(&root, "/g"), scratch_root_host(&root, "/theirs")), 0);
    facts.placed[1].link_group = 9;
    CU_ASSERT_EQUAL(link_groups_find(&root, &manifest, &facts, &err), 0);
    CU_ASSERT_NOT_EQUAL(facts.placed[0].link_group, 0);
    CU_ASSERT_EQUAL(facts.placed[0].link_group, facts.placed[2].link_group);
    CU_ASSERT_EQUAL(facts.placed[0].link_group, facts.placed[5].link_group);
    CU_ASSERT_NOT_EQUAL(facts.placed[3].link_group, 0);
    CU_ASSERT_EQUAL(facts.placed[3].link_group, facts.placed[4].link_group);
    CU_ASSERT_NOT_EQUAL(facts.placed[0].link_group, facts.placed[3].link_group);
    CU_ASSERT_EQUAL(facts.placed[1].link_group, 0);
    CU_ASSERT_EQUAL(facts.placed[6].link_group, 0);
}

static void test_a_file_that_is_gone(void) {
    struct error err = {0};
    make("/a", NULL);
    unlink(scratch_root_host(&root, "/a"));
    CU_ASSERT_EQUAL(link_groups_find(&root, &manifest, &facts, &err), -ENOENT);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"groups", test_groups},
        {"a file that is gone", test_a_file_that_is_gone},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "link_groups", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
