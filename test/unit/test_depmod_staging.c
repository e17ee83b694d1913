#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "kmod/system/depmod.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define STAGING "/var/lib/prebake/store/staging"
#define CANONICAL "/usr" SMALL_KERNEL_DIR

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* Runs depmod without the given modules (NULL-terminated) and reads its modules.dep. */
static int run(const char *const *left_out, struct buffer *dependencies) {
    AUTO_STRLIST struct strlist without = {0}, names = {0};
    AUTO_FREE char *folder = NULL, *path = NULL;
    for (; *left_out; left_out++)
        CU_ASSERT_EQUAL_FATAL(strlist_add(&without, *left_out), 0);
    const struct depmod_view view = {.without = &without};
    int rc = depmod_run_view(&root, SMALL_KERNEL, STAGING, &view, &folder, &names, &err);
    if (!rc && asprintf(&path, "%s/modules.dep", folder) < 0)
        rc = -ENOMEM;
    return rc ? rc : file_read(&root, path, 1 << 20, dependencies, &err);
}

static void test_without_modules_of_a_folder(void) {
    static const char *const left_out[] = {CANONICAL "/updates/dkms/ours.ko",
                                           CANONICAL "/updates/dkms/deep/er.ko",
                                           CANONICAL "/updates/never-there.ko", NULL};
    AUTO_BUFFER struct buffer dependencies = {0};
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/dkms/ours.ko", NULL, "ours", NULL);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/dkms/deep/er.ko", NULL, NULL, NULL);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/dkms/theirs.ko", NULL, NULL, "base_call");
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/other/ours.ko", NULL, NULL, NULL);
    AUTO_FREE char *before = small_kernel_snapshot(&root);
    CU_ASSERT_EQUAL(run(left_out, &dependencies), 0);
    AUTO_FREE char *after = small_kernel_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    const char *text = buffer_string(&dependencies);
    CU_ASSERT_PTR_NULL(strstr(text, "updates/dkms/ours.ko"));
    CU_ASSERT_PTR_NULL(strstr(text, "deep/er.ko"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "updates/dkms/theirs.ko: kernel/base.ko\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "updates/other/ours.ko:\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "kernel/user.ko: kernel/base.ko\n"));
}

/* What needs the module that is left out is indexed as if it were gone. */
static void test_the_same_as_if_they_were_gone(void) {
    static const char *const left_out[] = {CANONICAL "/kernel/base.ko", NULL}, *const nothing[] = {
                                                                                   NULL};
    AUTO_BUFFER struct buffer without = {0}, gone = {0};
    CU_ASSERT_EQUAL(run(left_out, &without), 0);
    scratch_root_run("rm", scratch_root_host(&root, CANONICAL "/kernel/base.ko"), NULL);
    CU_ASSERT_EQUAL(run(nothing, &gone), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&without), buffer_string(&gone));
}

/* A name that only begins like one that is left out. */
static void test_namesakes_stay(void) {
    static const char *const left_out[] = {CANONICAL "/updates/dkms/a.ko", NULL};
    AUTO_BUFFER struct buffer dependencies = {0};
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/dkms/a.ko.d/x.ko", NULL, NULL, NULL);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/dkms2/b.ko", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(run(left_out, &dependencies), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&dependencies), "updates/dkms2/b.ko:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&dependencies), "updates/dkms/a.ko.d/x.ko:"));
}

/* What is behind a link is not the kernel's own folder: depmod would see it all the same. */
static void test_what_cannot_be_left_out(void) {
    static const char *const behind_link[] = {"/usr/elsewhere/ours.ko", NULL},
                             *const begins_alike[] = {CANONICAL "-2/ours.ko", NULL};
    AUTO_BUFFER struct buffer dependencies = {0};
    small_kernel_module(&root, "/usr/elsewhere/ours.ko", NULL, NULL, NULL);
    scratch_root_link(&root, SMALL_KERNEL_DIR "/updates", "/usr/elsewhere");
    CU_ASSERT_EQUAL(run(behind_link, &dependencies), -EXDEV);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/usr/elsewhere/ours.ko"));
    CU_ASSERT_EQUAL(run(begins_alike, &dependencies), -EXDEV);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"without modules of a folder", test_without_modules_of_a_folder},
        {"the same as if they were gone", test_the_same_as_if_they_were_gone},
        {"namesakes stay", test_namesakes_stay},
        {"what can't be left out", test_what_cannot_be_left_out},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "depmod staging",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
