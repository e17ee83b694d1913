#include "builder/module_set.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/module_fixture.h"
#include "test/unit/workdir.h"

/* tree/a/one.ko, tree/two.ko.xz, tree/broken.ko, and what is no module. */
static int open_suite(void) {
    const struct module_fixture fixture = FIXTURE_GOOD;
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    bool ok = workdir_open() == 0 && module_fixture_make(&fixture, &file) &&
              mkdir(workdir_path("tree"), 0700) == 0 && mkdir(workdir_path("tree/a"), 0700) == 0 &&
              mkdir(workdir_path("empty"), 0700) == 0 &&
              workdir_run("cp", "fixture.ko", "tree/a/one.ko", NULL) &&
              workdir_run("cp", "fixture.ko", "tree/two.ko", NULL) &&
              workdir_run("xz", "--check=crc32", "tree/two.ko", NULL) &&
              workdir_write("tree/broken.ko", "junk", 4) &&
              workdir_write("tree/notes.ko.txt", "x", 1) && workdir_write("tree/.ko", "x", 1) &&
              symlink("a/one.ko", workdir_path("tree/link.ko")) == 0;
    return !ok;
}

static void test_file(void) {
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("fixture.ko"), &err), 0);
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("tree/link.ko"), &err), 0);
    CU_ASSERT_EQUAL(set.count, 2);
    CU_ASSERT_EQUAL(set.size, 2 * set.files[0].content.size);
}

static void test_directory(void) {
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("tree"), &err), 0);
    CU_ASSERT_EQUAL_FATAL(set.count, 2);
    CU_ASSERT_STRING_EQUAL(set.files[0].name, workdir_path("tree/a/one.ko"));
    CU_ASSERT_STRING_EQUAL(set.files[1].name, workdir_path("tree/two.ko.xz"));
    CU_ASSERT_EQUAL(set.files[1].compression, COMPRESSION_XZ);
    CU_ASSERT_EQUAL_FATAL(set.unreadable.count, 1);
    CU_ASSERT_STRING_EQUAL(set.unreadable.items[0], workdir_path("tree/broken.ko"));
}

static void test_damaged(void) {
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE(workdir_write("text.ko", "text", 4));
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("text.ko"), &err), 0);
    CU_ASSERT_EQUAL(set.count, 0);
    CU_ASSERT_EQUAL_FATAL(set.unreadable.count, 1);
    CU_ASSERT_STRING_EQUAL(set.unreadable.items[0], workdir_path("text.ko"));
    CU_ASSERT_PTR_NOT_NULL(strstr(set.reasons.items[0], "text.ko"));
}

static void test_nothing(void) {
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("missing.ko"), &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("empty"), &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no kernel modules"));
}

static CU_TestInfo tests[] = {
    {"files", test_file},
    {"a directory", test_directory},
    {"a file that is no module", test_damaged},
    {"nothing there", test_nothing},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "module set",
         .pInitFunc = open_suite,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    if (CU_initialize_registry() || CU_register_suites(suites))
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    bool failed = CU_get_number_of_failures() > 0 || CU_get_number_of_suites_failed() > 0 ||
                  CU_get_number_of_tests_run() == 0;
    CU_cleanup_registry();
    return failed;
}
