#include "kmod/lifecycle/removal.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define FOLDER "/usr/lib/modules/6.1/updates"
#define MODULE FOLDER "/x.ko"
#define LINK "/var/lib/dkms/x/kernel-6.1"
#define SOURCE "/usr/src/x-1/x.c"

/* What a bake placed, in the order of the manifest. */
static const char *const placed[] = {
    FOLDER, MODULE, "/usr/src/x-1", SOURCE, "/var/lib/dkms/x", LINK,
};

static struct root root = ROOT_INIT;
static struct manifest manifest;
static struct facts facts;
static struct removal removal;
static struct error err;

static void record(void) {
    char sha256[DIGEST_HEX_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
        CU_ASSERT_EQUAL(manifest_record(&manifest, &root, placed[i], &err), 0);
    CU_ASSERT_EQUAL(manifest_write(&root, &manifest, sha256, &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
        CU_ASSERT_EQUAL(facts_record_placed(&root, placed[i], facts_add_placed(&facts), &err), 0);
    CU_ASSERT_EQUAL(facts_record_manifest(&root, &facts, &err), 0);
    removal = (struct removal){.root = &root, .manifest = &manifest, .facts = &facts};
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &removal.context, &err), 0);
    CU_ASSERT_FALSE(removal.context.copied);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    scratch_root_write(&root, MODULE, "module");
    scratch_root_write(&root, "/usr/lib/modules/6.1/theirs.ko", "theirs");
    scratch_root_write(&root, SOURCE, "source");
    scratch_root_link(&root, LINK, "1/6.1/x86_64");
    record();
}

static void tear_down(void) {
    manifest_release(&manifest);
    facts_release(&facts);
    scratch_root_remove(&root);
}

static bool there(const char *path) {
    return root_exists(&root, path);
}

static void remove_all(void) {
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_MODULES, &err), 0);
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_DKMS, &err), 0);
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_REST, &err), 0);
    CU_ASSERT_EQUAL(removal_dirs(&removal, &err), 0);
}

static void check_left(unsigned left, unsigned foreign) {
    struct removal_count count = {.left = 99, .foreign = 99};
    err = (struct error){0};
    CU_ASSERT_EQUAL(removal_look(&removal, &count, &err), 0);
    CU_ASSERT_EQUAL(count.left, left);
    CU_ASSERT_EQUAL(count.foreign, foreign);
    CU_ASSERT_EQUAL(err.kind, left ? ERROR_INCOMPLETE : ERROR_NONE);
}

static void test_classes(void) {
    static const struct {
        const char *path;
        enum removal_class class;
    } cases[] = {
        {"/lib/modules/6.1/x.ko", REMOVAL_MODULES},
        {"/usr/lib/modules/6.1/x.ko", REMOVAL_MODULES},
        {"/usr/lib/modules-load.d/x", REMOVAL_REST},
        {"/usr/lib/modules", REMOVAL_REST},
        {"/var/lib/dkms/x", REMOVAL_DKMS},
        {"/var/lib/dkms", REMOVAL_REST},
        {"/var/lib/dkms-x/y", REMOVAL_REST},
        {"/usr/src/x-1/lib/modules/x.ko", REMOVAL_REST},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CU_ASSERT_EQUAL(removal_class_of(cases[i].path), cases[i].class);
}

static void test_one_class_at_a_time(void) {
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_MODULES, &err), 0);
    CU_ASSERT_FALSE(there(MODULE));
    CU_ASSERT_TRUE(there(FOLDER) && there(LINK) && there(SOURCE));
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_DKMS, &err), 0);
    CU_ASSERT_TRUE(!there(LINK) && there(SOURCE));
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_REST, &err), 0);
    CU_ASSERT_FALSE(there(SOURCE));
    check_left(3, 0); /* the empty directories */
}

static void test_nothing_of_ours_is_left(void) {
    remove_all();
    for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
        CU_ASSERT_FALSE(there(placed[i]));
    CU_ASSERT_TRUE(there("/usr/lib/modules/6.1/theirs.ko") && there("/var/lib/dkms"));
    check_left(0, 0);
    remove_all(); /* once more is no harm */
    check_left(0, 0);
}

static void test_one_path(void) {
    CU_ASSERT_EQUAL(removal_path(&removal, "/usr/lib/modules/6.1/theirs.ko", &err), 0);
    CU_ASSERT_EQUAL(removal_path(&removal, NULL, &err), 0);
    CU_ASSERT_TRUE(there("/usr/lib/modules/6.1/theirs.ko") && there(MODULE));
    CU_ASSERT_EQUAL(removal_path(&removal, SOURCE, &err), 0);
    CU_ASSERT_FALSE(there(SOURCE));
    CU_ASSERT_TRUE(there(MODULE));
    scratch_root_write(&root, MODULE, "somebody else's");
    CU_ASSERT_EQUAL(removal_path(&removal, MODULE, &err), 0);
    CU_ASSERT_TRUE(there(MODULE));
}

static void test_what_is_somebody_elses_stays(void) {
    scratch_root_write(&root, MODULE, "theirs");
    scratch_root_run("touch", scratch_root_host(&root, SOURCE), NULL);
    remove_all();
    CU_ASSERT_TRUE(there(MODULE) && there(SOURCE));
    CU_ASSERT_FALSE(there(LINK));
    check_left(0, 2);
}

static void test_without_facts_content_decides(void) {
    removal.facts = NULL;
    CU_ASSERT_EQUAL(ownership_context_make(&root, NULL, &removal.context, &err), 0);
    scratch_root_write(&root, MODULE, "module"); /* anew, with equal bytes */
    scratch_root_write(&root, SOURCE, "sourcE");
    remove_all();
    CU_ASSERT_TRUE(there(SOURCE));
    CU_ASSERT_FALSE(there(MODULE));
    check_left(0, 1);
}

static void test_directories_that_others_use_stay(void) {
    scratch_root_write(&root, FOLDER "/another.ko", "");
    remove_all();
    CU_ASSERT_TRUE(there(FOLDER "/another.ko"));
    CU_ASSERT_FALSE(there(MODULE));
    check_left(0, 0);
}

static void test_links_in_place_of_directories(void) {
    scratch_root_write(&root, "/elsewhere/x.ko", "module");
    scratch_root_run("rm", "-r", scratch_root_host(&root, FOLDER), NULL);
    scratch_root_link(&root, FOLDER, "/elsewhere");
    remove_all();
    CU_ASSERT_TRUE(there("/elsewhere/x.ko") && there(FOLDER));
    check_left(0, 2);
}

static void test_files_in_place_of_directories(void) {
    scratch_root_run("rm", "-r", scratch_root_host(&root, FOLDER), NULL);
    scratch_root_write(&root, FOLDER, "theirs");
    remove_all();
    CU_ASSERT_TRUE(there(FOLDER));
    check_left(0, 1);
}

static void check_paths_left(const char *path) {
    AUTO_STRLIST struct strlist paths = {0};
    CU_ASSERT_EQUAL(removal_left(&removal, REMOVAL_MODULES, &paths, &err), 0);
    CU_ASSERT_EQUAL(paths.count, path ? 1 : 0);
    if (path && paths.count == 1)
        CU_ASSERT_STRING_EQUAL(paths.items[0], path);
}

static void test_what_cannot_be_removed_is_left(void) {
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, FOLDER), 0777), 0);
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_MODULES, &err), -EPERM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, FOLDER));
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_DKMS, &err), 0);
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_REST, &err), 0);
    CU_ASSERT_EQUAL(removal_dirs(&removal, &err), 0);
    check_left(1, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, MODULE " is left"));
    check_paths_left(MODULE);
    CU_ASSERT_FALSE(there(SOURCE));
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, FOLDER), 0755), 0);
    remove_all();
    check_left(0, 0);
    check_paths_left(NULL);
}

static void test_one_failure_does_not_stop_the_rest(void) {
    AUTO_MANIFEST struct manifest two = {0};
    scratch_root_write(&root, "/usr/src/a/x", "");
    scratch_root_write(&root, "/usr/src/z/x", "");
    CU_ASSERT_EQUAL(manifest_record(&two, &root, "/usr/src/a/x", &err), 0);
    CU_ASSERT_EQUAL(manifest_record(&two, &root, "/usr/src/z/x", &err), 0);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/usr/src/z"), 0777), 0);
    removal = (struct removal){.root = &root, .manifest = &two, .context = {.copied = true}};
    CU_ASSERT_EQUAL(removal_files(&removal, REMOVAL_REST, &err), -EPERM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/usr/src/z"));
    CU_ASSERT_TRUE(there("/usr/src/z/x"));
    CU_ASSERT_FALSE(there("/usr/src/a/x"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"classes", test_classes},
        {"one class at a time", test_one_class_at_a_time},
        {"nothing of ours is left", test_nothing_of_ours_is_left},
        {"one path", test_one_path},
        {"what is somebody elses stays", test_what_is_somebody_elses_stays},
        {"without facts content decides", test_without_facts_content_decides},
        {"directories that others use stay", test_directories_that_others_use_stay},
        {"links in place of directories", test_links_in_place_of_directories},
        {"files in place of directories", test_files_in_place_of_directories},
        {"what cannot be removed is left", test_what_cannot_be_removed_is_left},
        {"one failure does not stop the rest", test_one_failure_does_not_stop_the_rest},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "removal", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
