#include "builder/rival_drivers.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/log.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define KERNEL SMALL_KERNEL

static struct root root, top;
static struct error err;
static unsigned warnings;

static void count_warnings(void *context, enum log_level level, const char *message) {
    (void)context, (void)message;
    warnings += level == LOG_LEVEL_WARNING;
}

/* A kernel that has nouveau, and has not heard of nova. */
static void set_up(void) {
    err = (struct error){0};
    warnings = 0;
    scratch_root_make(&root);
    scratch_root_make(&top);
    small_kernel_make(&root);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/kernel/nouveau.ko", NULL, NULL, NULL);
    scratch_root_run("depmod", "-b", root.path, KERNEL, NULL);
    scratch_root_write(&top, "/usr/bin/tool", "");
    log_set_sink(count_warnings, NULL);
}

static void tear_down(void) {
    log_set_sink(NULL, NULL);
    scratch_root_remove(&root);
    scratch_root_remove(&top);
}

static int check(void) {
    AUTO_USERSPACE struct userspace userspace = USERSPACE_INIT;
    CU_ASSERT_EQUAL(userspace_read(top.path, &userspace, &err), 0);
    return rival_drivers_check(&root, KERNEL, &userspace, &err);
}

static void test_the_kernel_has_a_rival(void) {
    CU_ASSERT_EQUAL(check(), -EBUSY);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "blacklist nouveau"));
}

static void test_a_later_kernel_may_have_one(void) {
    scratch_root_write(&top, "/etc/modprobe.d/x.conf", "blacklist nouveau\n");
    CU_ASSERT_EQUAL(check(), 0);
    CU_ASSERT_EQUAL(warnings, 1);
}

static void test_both_are_listed(void) {
    scratch_root_write(&top, "/etc/modprobe.d/x.conf", "blacklist nouveau\n");
    scratch_root_write(&root, "/etc/modprobe.d/y.conf", "blacklist nova_core\n");
    CU_ASSERT_EQUAL(check(), 0);
    CU_ASSERT_EQUAL(warnings, 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the kernel has a rival", test_the_kernel_has_a_rival},
        {"a later kernel may have one", test_a_later_kernel_may_have_one},
        {"both are listed", test_both_are_listed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "rival_drivers",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
