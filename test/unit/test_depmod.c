#include <CUnit/Basic.h>
#include <string.h>
#include <sys/mount.h>

#include "base/file.h"
#include "kmod/system/depmod.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define STAGING "/var/lib/prebake/store/staging"

static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    small_kernel_make(&root);
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

/* Runs depmod and reads one of its files. */
static int run(const char *name, struct buffer *content, struct strlist *names, struct error *err) {
    AUTO_FREE char *folder = NULL, *path = NULL;
    int rc = depmod_run(&root, SMALL_KERNEL, STAGING, &folder, names, err);
    if (rc)
        return rc;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return -ENOMEM;
    return file_read(&root, path, 1 << 20, content, err);
}

static void test_inputs_are_no_index(void) {
    CU_ASSERT_FALSE(depmod_is_index_file("modules.order"));
    CU_ASSERT_FALSE(depmod_is_index_file("modules.builtin"));
    CU_ASSERT_FALSE(depmod_is_index_file("modules.builtin.modinfo"));
    CU_ASSERT_FALSE(depmod_is_index_file("kernel"));
    CU_ASSERT_FALSE(depmod_is_index_file("module.dep"));
    CU_ASSERT_TRUE(depmod_is_index_file("modules.dep"));
    CU_ASSERT_TRUE(depmod_is_index_file("modules.builtin.alias.bin"));
    CU_ASSERT_TRUE(depmod_is_index_file("modules.weakdep"));
}

static void test_it_writes_in_staging_only(void) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_BUFFER struct buffer dependencies = {0};
    struct error err = {0};
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    CU_ASSERT_EQUAL(run("modules.dep", &dependencies, &names, &err), 0);
    AUTO_FREE char *after = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_STRING_EQUAL(buffer_string(&dependencies),
                           "kernel/user.ko: kernel/base.ko\nkernel/base.ko:\nkernel/twin.ko:\n");
    CU_ASSERT_TRUE(strlist_contains(&names, "modules.alias.bin"));
    CU_ASSERT_FALSE(strlist_contains(&names, "modules.order"));
    CU_ASSERT_EQUAL(depmod_discard(&root, STAGING, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, STAGING));
    CU_ASSERT_EQUAL(depmod_discard(&root, STAGING, &err), 0);
}

static void test_builtin_modules_are_indexed(void) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_BUFFER struct buffer builtin = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(run("modules.builtin.alias.bin", &builtin, &names, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(memmem(builtin.data, builtin.size, "ext4", 4));
}

/* The root's own configuration decides which of two namesakes is indexed. */
static void check_twin(const char *expected) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_BUFFER struct buffer dependencies = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(run("modules.dep", &dependencies, &names, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&dependencies), expected));
}

static void test_the_roots_configuration_counts(void) {
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/twin.ko", NULL, NULL, NULL);
    check_twin("updates/twin.ko:");
    scratch_root_write(&root, "/lib/depmod.d/order.conf", "search built-in updates\n");
    check_twin("kernel/twin.ko:");
    /* Of two files of one name the one in /etc counts. */
    scratch_root_write(&root, "/etc/depmod.d/order.conf", "search updates built-in\n");
    check_twin("updates/twin.ko:");
}

static void test_a_hostile_kernel_folder_writes_nowhere_else(void) {
    scratch_root_write(&root, "/victim", "untouched");
    scratch_root_link(&root, SMALL_KERNEL_DIR "/modules.dep", "/victim");
    scratch_root_link(&root, SMALL_KERNEL_DIR "/modules.dep.bin",
                      scratch_root_host(&root, "/victim"));
    AUTO_STRLIST struct strlist names = {0};
    AUTO_BUFFER struct buffer dependencies = {0}, victim = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(run("modules.dep", &dependencies, &names, &err), 0);
    CU_ASSERT_EQUAL(file_read(&root, "/victim", 100, &victim, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&victim), "untouched");
}

/* A file system for the staging tree with room for so many files. depmod ends with 0 without one.
 */
static int run_with_inodes(unsigned inodes, struct strlist *names, struct error *err) {
    char options[32];
    AUTO_FREE char *folder = NULL;
    snprintf(options, sizeof options, "mode=0755,nr_inodes=%u", inodes);
    const char *place = scratch_root_host(&root, "/var");
    CU_ASSERT_EQUAL_FATAL(mount("tmpfs", place, "tmpfs", 0, options), 0);
    int rc = depmod_run(&root, SMALL_KERNEL, STAGING, &folder, names, err);
    CU_ASSERT_EQUAL_FATAL(umount(place), 0);
    return rc;
}

static void test_a_file_that_depmod_could_not_create_is_missed(void) {
    AUTO_STRLIST struct strlist all = {0};
    struct error err = {0};
    unsigned failures = 0, words = 0;
    scratch_root_dir(&root, "/var");
    CU_ASSERT_EQUAL(run_with_inodes(1000, &all, &err), 0);
    for (unsigned inodes = 2; inodes < 100; inodes++) {
        AUTO_STRLIST struct strlist names = {0};
        err = (struct error){0};
        if (run_with_inodes(inodes, &names, &err) == 0) {
            CU_ASSERT_EQUAL(names.count, all.count);
            break;
        }
        CU_ASSERT_EQUAL(err.kind, ERROR_NO_SPACE);
        failures++;
        words += strstr(err.text, "depmod for the kernel") != NULL;
    }
    CU_ASSERT_TRUE(words >= 8);
    CU_ASSERT_TRUE(failures > words && failures < 98);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"inputs are no index", test_inputs_are_no_index},
        {"it writes in staging only", test_it_writes_in_staging_only},
        {"built-in modules are indexed", test_builtin_modules_are_indexed},
        {"the root's configuration counts", test_the_roots_configuration_counts},
        {"a hostile kernel folder writes nowhere else",
         test_a_hostile_kernel_folder_writes_nowhere_else},
        {"a file that depmod could not create is missed",
         test_a_file_that_depmod_could_not_create_is_missed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "depmod", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
