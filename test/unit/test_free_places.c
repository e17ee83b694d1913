#include "kmod/lifecycle/free_places.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define DIGEST "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"

static struct root root = ROOT_INIT;
static struct manifest manifest;
static struct error err;

static void add(const char *path, enum manifest_type type) {
    struct manifest_entry entry = {.path = (char *)path, .type = type, .mode = 0755};
    if (type == MANIFEST_FILE)
        strcpy(entry.sha256, DIGEST);
    if (type == MANIFEST_LINK)
        entry.target = (char *)"x";
    CU_ASSERT_EQUAL(manifest_add(&manifest, &entry, &err), 0);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_write(&root, "/usr/bin/theirs", "theirs");
    add("/usr/bin/a", MANIFEST_FILE);
    add("/usr/bin/b", MANIFEST_LINK);
    add("/usr/share/ours", MANIFEST_DIR);
    add("/usr/share/ours/c", MANIFEST_FILE);
}

static void tear_down(void) {
    manifest_release(&manifest);
    scratch_root_remove(&root);
}

static void expect_free(void) {
    CU_ASSERT_EQUAL(free_places_check(&root, &manifest, &err), 0);
}

static void expect_refused(int rc, const char *named) {
    err = (struct error){0};
    CU_ASSERT_EQUAL(free_places_check(&root, &manifest, &err), rc);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, named));
}

static void test_free(void) {
    expect_free();
    scratch_root_dir(&root, "/usr/share/ours");
    scratch_root_write(&root, "/usr/share/ours/theirs", "theirs");
    expect_free();
}

static void test_taken(void) {
    static const char *const paths[] = {"/usr/bin/a", "/usr/bin/b", "/usr/share/ours/c"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        scratch_root_write(&root, paths[i], "somebody else's");
        expect_refused(-EEXIST, paths[i]);
        scratch_root_link(&root, paths[i], "/nowhere");
        expect_refused(-EEXIST, paths[i]);
        CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, paths[i])), 0);
    }
    scratch_root_dir(&root, "/usr/bin/a");
    expect_refused(-EEXIST, "/usr/bin/a");
}

static void test_a_file_for_a_directory(void) {
    scratch_root_write(&root, "/usr/share/ours", "a file");
    expect_refused(-EEXIST, "/usr/share/ours");
    scratch_root_dir(&root, "/opt");
    scratch_root_run("rm", "-r", scratch_root_host(&root, "/usr/share"), NULL);
    scratch_root_write(&root, "/usr/share", "a file");
    expect_refused(-EPERM, "/usr/share");
}

/* What is placed through a link is not where the manifest says. */
static void test_a_link_on_the_way(void) {
    scratch_root_run("mv", scratch_root_host(&root, "/usr/bin"), scratch_root_host(&root, "/opt"),
                     NULL);
    scratch_root_link(&root, "/usr/bin", "/opt");
    expect_refused(-ELOOP, "/opt/a");
}

static void test_a_folder_that_others_can_change(void) {
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/usr/bin"), 0777), 0);
    expect_refused(-EPERM, "/usr/bin");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/usr/bin"), 0755), 0);
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, "/usr/bin"), 7, 7), 0);
    expect_refused(-EPERM, "/usr/bin");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"free", test_free},
        {"taken", test_taken},
        {"a file for a directory", test_a_file_for_a_directory},
        {"a link on the way", test_a_link_on_the_way},
        {"a folder that others can change", test_a_folder_that_others_can_change},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "free_places", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
