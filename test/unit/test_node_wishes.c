#include "kmod/lifecycle/node_wishes.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/cmd_reconcile.h"
#include "test/unit/command_run.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/workdir.h"

static struct root root = ROOT_INIT;
static struct command probe;
static struct command_outcome outcome;

static const char *or_dash(const char *text) {
    return text ? text : "-";
}

/* Stands in for the reconciliation itself: shows what it would be asked for. */
static int show(struct command_call *call, struct error *err) {
    struct utsname system;
    struct node_wishes wishes;
    int rc = node_wishes_read(call, &system, &wishes, err);
    if (rc)
        return rc;
    bool host = wishes.kernel == system.release, here = wishes.arch == system.machine;
    printf("managed=%d type=%s version=%s kernel=%s arch=%s sysfs=%s legacy=%s\n",
           node_wishes_managed(&wishes), or_dash(wishes.driver_type),
           or_dash(wishes.driver_version), host ? "host" : or_dash(wishes.kernel),
           here ? "host" : or_dash(wishes.arch), or_dash(wishes.sysfs),
           or_dash(wishes.legacy_marker));
    return 0;
}

static void set_up(void) {
    probe = cmd_reconcile;
    probe.run = show;
    outcome = (struct command_outcome){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, "/lib/modules/6.1");
    scratch_root_dir(&root, "/lib/modules/6.2");
}

static void tear_down(void) {
    command_outcome_release(&outcome);
    scratch_root_remove(&root);
}

#define RUN(...)                                                                                   \
    (command_outcome_release(&outcome), command_run(&probe, &outcome, __VA_ARGS__, NULL))

static void check_shown(const char *expected) {
    CU_ASSERT_EQUAL(outcome.status, 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&outcome.output), expected);
}

static void check_usage(const char *fact) {
    CU_ASSERT_EQUAL(outcome.status, 2);
    CU_ASSERT_STRING_EQUAL(buffer_string(&outcome.output), "");
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&outcome.errors), fact));
}

static void test_this_system(void) {
    RUN("--gpu-node=true", "--skip-driver=false", "--driver-type=cuda", "--driver-version=1.0");
    check_shown("managed=1 type=cuda version=1.0 kernel=host arch=host sysfs=/sys legacy=-\n");
    RUN("--gpu-node=true", "--skip-driver=false",
        "--driver-type=", "--driver-version=", "--kernel=6.1", "--arch=aarch64", "--sysfs=/fake",
        "--legacy-marker=/m");
    check_shown("managed=1 type= version= kernel=6.1 arch=aarch64 sysfs=/fake legacy=/m\n");
}

/* What is not wanted need not be named. */
static void test_no_driver(void) {
    RUN("--gpu-node=false", "--skip-driver=false", "--root", root.path);
    check_shown("managed=0 type=- version=- kernel=- arch=host sysfs=- legacy=-\n");
    RUN("--gpu-node=true", "--skip-driver=true", "--driver-type=", "--root", root.path);
    check_shown("managed=0 type= version=- kernel=- arch=host sysfs=- legacy=-\n");
}

static void test_what_is_missing(void) {
    RUN("--skip-driver=false");
    check_usage("--gpu-node is missing");
    RUN("--gpu-node=false");
    check_usage("--skip-driver is missing");
    RUN("--gpu-node=true", "--skip-driver=false", "--driver-version=1");
    check_usage("--driver-type is missing");
    RUN("--gpu-node=true", "--skip-driver=false", "--driver-type=cuda");
    check_usage("--driver-version is missing");
}

static void test_any_other_value(void) {
    static const char *const wrong[] = {"", "TRUE", "1", "yes", " true", "true ", "truefalse"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        RUN("--skip-driver=false", "--gpu-node", wrong[i]);
        check_usage("--gpu-node");
        RUN("--gpu-node=false", "--skip-driver", wrong[i]);
        check_usage("--skip-driver");
    }
}

/* Another root's kernel is never guessed; which ones it has is said. */
static void test_kernel_of_another_root(void) {
    RUN("--root", root.path, "--gpu-node=true", "--skip-driver=false", "--driver-type=cuda",
        "--driver-version=1");
    check_usage("6.1, 6.2");
    RUN("--root", root.path, "--gpu-node=true", "--skip-driver=false", "--driver-type=cuda",
        "--driver-version=1", "--kernel=6.2");
    check_shown("managed=1 type=cuda version=1 kernel=6.2 arch=host sysfs=- legacy=-\n");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"this system", test_this_system},
        {"no driver", test_no_driver},
        {"what is missing", test_what_is_missing},
        {"any other value", test_any_other_value},
        {"kernel of another root", test_kernel_of_another_root},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "node_wishes",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
