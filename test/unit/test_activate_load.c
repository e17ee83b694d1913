#include "kmod/lifecycle/activate_load.h"

#include <CUnit/Basic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "test/unit/facts_sample.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define SCRIPT "/modprobe"
#define WORDS "/words"

static struct root root = ROOT_INIT;
static struct facts facts;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    facts_sample_make(&facts, 0);
}

static void tear_down(void) {
    facts_release(&facts);
    scratch_root_remove(&root);
}

static void test_only_the_running_system(void) {
    const struct root host = {.fd = root.fd, .path = root.path, .is_host = true};
    CU_ASSERT_EQUAL(activate_load_check(&host, &err), 0);
    CU_ASSERT_EQUAL(activate_load_check(&root, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, root.path));
}

/* A script stands for modprobe, in a mount namespace of this program's own. */
static int load(const char *words, int status) {
    AUTO_FREE char *text = NULL;
    const char *script = scratch_root_host(&root, SCRIPT);
    err = (struct error){0};
    if (asprintf(&text, "#!/bin/sh\necho \"$*\" >%s\necho \"%s\"\nexit %d\n",
                 scratch_root_host(&root, WORDS), words, status) < 0)
        return -ENOMEM;
    scratch_root_write(&root, SCRIPT, text);
    CU_ASSERT_EQUAL(chmod(script, 0755), 0);
    CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNS), 0);
    CU_ASSERT_EQUAL_FATAL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(mount(script, "/usr/sbin/modprobe", NULL, MS_BIND, NULL), 0);
    int rc = activate_load_modules(&facts, &err);
    CU_ASSERT_EQUAL(umount("/usr/sbin/modprobe"), 0);
    return rc;
}

static void test_loaded(void) {
    CU_ASSERT_EQUAL(load("", 0), 0);
    scratch_root_run("grep", "-q", "^--all ", scratch_root_host(&root, WORDS), NULL);
}

/* modprobe's status is 1 for everything. */
static void test_what_the_kernel_said(void) {
    static const struct {
        const char *words;
        enum error_kind kind;
    } cases[] = {
        {"modprobe: ERROR: could not insert 'x': Key was rejected by service", ERROR_SIGNING},
        {"modprobe: ERROR: could not insert 'x': Required key not available", ERROR_SIGNING},
        {"modprobe: ERROR: could not insert 'x': Operation not permitted", ERROR_SIGNING},
        {"modprobe: ERROR: could not insert 'x': No such device", ERROR_MISMATCH},
        {"modprobe: ERROR: could not insert 'x': Exec format error", ERROR_MISMATCH},
        {"modprobe: FATAL: Module x not found", ERROR_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CU_ASSERT_TRUE(load(cases[i].words, 1) < 0);
        CU_ASSERT_EQUAL(err.kind, cases[i].kind);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].words));
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"only the running system", test_only_the_running_system},
        {"loaded", test_loaded},
        {"what the kernel said", test_what_the_kernel_said},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "activate_load",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
