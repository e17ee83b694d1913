#include "toolchain/preflight.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/empty_world.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static int check_compiler(const char *path, struct error *err) {
    AUTO_FREE char *own = strdup(path);
    AUTO_FREE char *name = strdup(strrchr(path, '/') + 1);
    struct compiler compiler = {.path = own, .name = name};
    return preflight_check(&compiler, err);
}

/* gcc with one more argument, as a program of its own. */
static const char *make_compiler(const char *argument) {
    AUTO_FREE char *script = NULL;
    CU_ASSERT_TRUE_FATAL(
        asprintf(&script, "#!/bin/sh\nexec /usr/bin/gcc-12 %s \"$@\"\n", argument) > 0);
    scratch_root_write(&root, "/cc", script);
    const char *path = scratch_root_host(&root, "/cc");
    CU_ASSERT_EQUAL(chmod(path, 0755), 0);
    return path;
}

static void test_this_machine_can_compile(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(check_compiler("/usr/bin/gcc-12", &err), 0);
    CU_ASSERT_EQUAL(check_compiler("/usr/bin/clang", &err), 0);
    CU_ASSERT_EQUAL(check_compiler(make_compiler("-O2"), &err), 0);
    CU_ASSERT_EQUAL(preflight_check_patch(&err), 0);
}

static void test_missing_libc_headers_are_named(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(check_compiler(make_compiler("-nostdinc -isystem /usr/share"), &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the C library's headers"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "stdio.h: No such file"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "apt-get install libc6-dev"));
    CU_ASSERT_PTR_NULL(strstr(err.text, "binutils"));
}

/* The headers alone do not make a program: libc6-dev has the start files and libraries too. */
static void test_a_program_that_does_not_link_is_told(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(check_compiler(make_compiler("-nostdlib"), &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "libc6-dev"));
}

static int find_patch(struct error *err) {
    return preflight_check_patch(err);
}

static void test_patch_is_asked_for_alone(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(in_empty_world(find_patch, "ID=debian\n", &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "apt-get install patch"));
    CU_ASSERT_PTR_NULL(strstr(err.text, "make"));
}

/* In a world without any program the compiler can't be run either: what is said must be the tools.
 */
static int check_all(struct error *err) {
    return check_compiler("/usr/bin/gcc-12", err);
}

static void test_every_missing_tool_is_in_one_sentence(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(in_empty_world(check_all, "ID=debian\n", &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "make, bash, awk, as, ld, strip, nm, objcopy, gcc-12"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "apt-get install make bash mawk binutils gcc-12"));
    CU_ASSERT_EQUAL(in_empty_world(check_all, "ID=fedora\n", &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "dnf install make bash gawk binutils gcc"));
}

static void test_nothing_is_left(void) {
    AUTO_STRLIST struct strlist names = {0};
    struct error err = {0};
    scratch_root_dir(&root, "/temporary");
    setenv("TMPDIR", scratch_root_host(&root, "/temporary"), 1);
    CU_ASSERT_EQUAL(check_compiler("/usr/bin/gcc-12", &err), 0);
    unsetenv("TMPDIR");
    CU_ASSERT_EQUAL(root_list(&root, "/temporary", &names, &err), 0);
    CU_ASSERT_EQUAL(names.count, 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"this machine can compile", test_this_machine_can_compile},
        {"missing libc headers are named", test_missing_libc_headers_are_named},
        {"a program that does not link is told", test_a_program_that_does_not_link_is_told},
        {"patch is asked for alone", test_patch_is_asked_for_alone},
        {"every missing tool is in one sentence", test_every_missing_tool_is_in_one_sentence},
        {"nothing is left", test_nothing_is_left},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "preflight", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
