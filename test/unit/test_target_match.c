#include "kmod/lifecycle/target_match.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "test/unit/facts_sample.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define KERNEL "6.1.0-47-cloud-amd64" /* the sample's */
#define HEADERS "/usr/src/linux-headers-" KERNEL
#define SYMVERS HEADERS "/Module.symvers"

static struct root root = ROOT_INIT;
static struct facts facts;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    facts_sample_make(&facts, 0);
    scratch_root_write(&root, "/lib/modules/" KERNEL "/modules.order", "");
    scratch_root_link(&root, "/lib/modules/" KERNEL "/build", HEADERS);
}

static void tear_down(void) {
    facts_release(&facts);
    scratch_root_remove(&root);
}

static void set(char **field, const char *value) {
    free(*field);
    *field = strdup(value);
}

static void expect_mismatch(int rc, const char *baked, const char *found) {
    CU_ASSERT_TRUE(rc < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, baked));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, found));
    err = (struct error){0};
}

static void test_the_kernel_is_there(void) {
    CU_ASSERT_TRUE(target_match_has_kernel(&root, KERNEL));
    CU_ASSERT_EQUAL(target_match_installed(&root, &facts, &err), 0);
}

/* Others' files keep the folder of a kernel that was removed. */
static void test_the_kernel_is_gone(void) {
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, "/lib/modules/" KERNEL "/modules.order")), 0);
    scratch_root_write(&root, "/lib/modules/" KERNEL "/updates/dkms/x.ko", "x");
    CU_ASSERT_FALSE(target_match_has_kernel(&root, KERNEL));
    expect_mismatch(target_match_installed(&root, &facts, &err), KERNEL, "teardown");
}

static void test_running(void) {
    const struct root host = {.fd = root.fd, .path = root.path, .is_host = true};
    struct utsname system;
    CU_ASSERT_EQUAL(uname(&system), 0);
    /* What another root will run is not known. */
    CU_ASSERT_EQUAL(target_match_running(&root, &facts, &err), 0);
    set(&facts.kernel, "6.1.0-47-other");
    expect_mismatch(target_match_running(&host, &facts, &err), "6.1.0-47-other", system.release);
    set(&facts.kernel, system.release);
    set(&facts.machine, "other");
    expect_mismatch(target_match_running(&host, &facts, &err), "machine other", system.machine);
    set(&facts.machine, system.machine);
    CU_ASSERT_EQUAL(target_match_running(&host, &facts, &err), 0);
}

static void bake_with(const char *symvers) {
    char sha256[DIGEST_HEX_SIZE];
    CU_ASSERT_EQUAL(digest_bytes(symvers, strlen(symvers), sha256), 0);
    set(&facts.symvers_sha256, sha256);
}

static void test_symbols(void) {
    scratch_root_write(&root, SYMVERS, "0x1\ta\tvmlinux\tEXPORT_SYMBOL\t\n");
    bake_with("0x1\ta\tvmlinux\tEXPORT_SYMBOL\t\n");
    CU_ASSERT_EQUAL(target_match_symbols(&root, &facts, &err), 0);
    bake_with("0x2\ta\tvmlinux\tEXPORT_SYMBOL\t\n");
    expect_mismatch(target_match_symbols(&root, &facts, &err), KERNEL, "Module.symvers");
}

/* A node needs no headers; facts that were told from the manifest do not know. */
static void test_symbols_that_nobody_knows(void) {
    bake_with("x");
    CU_ASSERT_EQUAL(target_match_symbols(&root, &facts, &err), 0);
    scratch_root_write(&root, SYMVERS, "y");
    set(&facts.symvers_sha256, "");
    CU_ASSERT_EQUAL(target_match_symbols(&root, &facts, &err), 0);
    scratch_root_run("rm", scratch_root_host(&root, "/lib/modules/" KERNEL "/build"), NULL);
    bake_with("x");
    CU_ASSERT_EQUAL(target_match_symbols(&root, &facts, &err), 0);
}

static void test_symbols_that_are_no_file(void) {
    scratch_root_dir(&root, SYMVERS);
    bake_with("x");
    CU_ASSERT_TRUE(target_match_symbols(&root, &facts, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "Module.symvers"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the kernel is there", test_the_kernel_is_there},
        {"the kernel is gone", test_the_kernel_is_gone},
        {"running", test_running},
        {"symbols", test_symbols},
        {"symbols that nobody knows", test_symbols_that_nobody_knows},
        {"symbols that are no file", test_symbols_that_are_no_file},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "target_match",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
