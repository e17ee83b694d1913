#include "builder/module_set.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
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

/* A package around the tree: what it holds is read as from the directory, without unpacking it. */
static void test_package(void) {
    static const char script[] =
        "set -e; echo 2.0 >debian-binary; tar -cJf control.tar.xz --files-from /dev/null; "
        "tar -cJf data.tar.xz ./tree; ar rc tree.deb debian-binary control.tar.xz data.tar.xz; "
        "tar -cJf data.tar.xz ./empty; ar rc empty.deb debian-binary control.tar.xz data.tar.xz; "
        "head -c 500 tree.deb >short.deb";
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(workdir_run("/bin/sh", "-c", script, NULL));
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("tree.deb"), &err), 0);
    CU_ASSERT_EQUAL_FATAL(set.count, 2);
    CU_ASSERT_EQUAL_FATAL(set.unreadable.count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(set.unreadable.items[0], "tree.deb:tree/broken.ko"));
    bool packed_first = set.files[0].compression == COMPRESSION_XZ;
    CU_ASSERT_PTR_NOT_NULL(strstr(set.files[packed_first].name, "tree.deb:tree/a/one.ko"));
    CU_ASSERT_PTR_NOT_NULL(strstr(set.files[!packed_first].name, "tree.deb:tree/two.ko.xz"));
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("empty.deb"), &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_TRUE(module_set_add(&set, workdir_path("short.deb"), &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

/* A bundle whose module is not the one that its record names. */
static void test_bundle(void) {
    static const char script[] =
        "set -e; mkdir -p bundle/modules; cp fixture.ko bundle/modules/one.ko; "
        "digest=$(sha256sum fixture.ko | cut -d' ' -f1); "
        "printf '{\"format\":1,\"modules\":{\"one\":\"%s\"}}' $digest >bundle/bundle.json";
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(workdir_run("/bin/sh", "-c", script, NULL));
    CU_ASSERT_EQUAL(module_set_add(&set, workdir_path("bundle"), &err), 0);
    CU_ASSERT_EQUAL(set.count, 1);
    CU_ASSERT_TRUE(workdir_run("/bin/sh", "-c", "echo >>bundle/modules/one.ko", NULL));
    CU_ASSERT_TRUE(module_set_add(&set, workdir_path("bundle"), &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "one"));
    CU_ASSERT_TRUE(workdir_write("bundle/bundle.json", "{}", 2));
    CU_ASSERT_TRUE(module_set_add(&set, workdir_path("bundle"), &err) < 0);
}

static CU_TestInfo tests[] = {
    {"files", test_file},
    {"a directory", test_directory},
    {"a file that is no module", test_damaged},
    {"nothing there", test_nothing},
    {"a package", test_package},
    {"a bundle", test_bundle},
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
    return run_suites(suites);
}
