#include "builder/node_program.h"

#include <CUnit/Basic.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/process.h"
#include "test/unit/empty_world.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/*
 * The program is looked for beside the running one: a copy of this test is run in a folder with a
 * small "prebake-node" of the test's own. It does one step and says what it found.
 */
#define STEP "--step"
#define OURS "/tools/prebake-node"

static struct root root = ROOT_INIT;    /* the image */
static struct root outside = ROOT_INIT; /* where the programs are */
static struct buffer said;

static void compile(const struct root *in, const char *path, const char *source) {
    scratch_root_compile(in, path, source, NULL);
}

static void copy_ourselves(void) {
    char self[PATH_MAX] = "";
    CU_ASSERT_TRUE(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    scratch_root_copy(&outside, "/tools/test", self);
}

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_make(&outside);
    scratch_root_copy(&root, "/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2");
    scratch_root_copy(&root, "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6");
    scratch_root_dir(&root, "/usr/sbin");
    copy_ourselves();
    compile(&outside, OURS, "int main(void) { return 0; }\n");
    said = (struct buffer){0};
}

static void tear_down(void) {
    buffer_release(&said);
    scratch_root_remove(&root);
    scratch_root_remove(&outside);
}

/* In the copy. Prints what it found, or the error. */
static int take_step(const char *step, const char *path) {
    AUTO_ROOT struct root image = ROOT_INIT;
    AUTO_NODE_PROGRAM struct node_program program = {0};
    struct error err = {0};
    int rc = root_open(&image, path, &err);
    if (!rc)
        rc = node_program_find(&image, &program, &err);
    if (!rc && strcmp(step, "find"))
        rc = node_program_install(&image, &program, &err);
    if (!rc && !strcmp(step, "install-and-take-back"))
        rc = node_program_take_back(&image, &program, &err);
    if (rc)
        printf("kind %d: %s\n", (int)err.kind, err.text);
    else
        printf("existed=%d in_place=%d\n", program.existed, program.in_place);
    return 0;
}

static void run(const char *step) {
    const char *argv[] = {scratch_root_host(&outside, "/tools/test"), STEP, step, root.path, NULL};
    struct process_spec spec = {.argv = argv, .output = &said};
    struct process_result result = {.exit_status = -1};
    struct error err = {0};
    buffer_release(&said);
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    CU_ASSERT_EQUAL(result.exit_status, 0);
}

static void check_said(const char *expected) {
    CU_ASSERT_STRING_EQUAL(buffer_string(&said), expected);
}

static void check_failed(enum error_kind kind, const char *fact) {
    char expected[16];
    snprintf(expected, sizeof expected, "kind %d: ", (int)kind);
    CU_ASSERT_EQUAL(strncmp(buffer_string(&said), expected, strlen(expected)), 0);
    if (!strstr(buffer_string(&said), fact))
        CU_FAIL("the sentence does not name the fact");
}

static void check_installed(void) {
    struct stat st = {0};
    scratch_root_run("cmp", scratch_root_host(&outside, OURS),
                     scratch_root_host(&root, NODE_PLACE_PATH), NULL);
    CU_ASSERT_EQUAL(root_stat(&root, NODE_PLACE_PATH, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0755);
    CU_ASSERT_EQUAL(st.st_uid, 0);
}

static uint64_t inode(void) {
    struct stat st = {0};
    CU_ASSERT_EQUAL(root_stat(&root, NODE_PLACE_PATH, &st), 0);
    return st.st_ino;
}

static void test_it_is_installed_once(void) {
    run("find");
    check_said("existed=0 in_place=0\n");
    CU_ASSERT_FALSE(root_exists(&root, NODE_PLACE_PATH));
    run("install");
    check_said("existed=0 in_place=0\n");
    check_installed();
    uint64_t first = inode();
    run("install");
    check_said("existed=1 in_place=1\n");
    CU_ASSERT_EQUAL(inode(), first);
}

static void test_another_version_is_replaced(void) {
    scratch_root_write(&root, NODE_PLACE_PATH, "an older one");
    run("install");
    check_said("existed=1 in_place=0\n");
    check_installed();
}

/* Only its package replaces a package's file; with the same bytes there is nothing to replace. */
static void test_a_packages_program_is_not_replaced(void) {
    scratch_root_write(&root, "/var/lib/dpkg/info/prebake-node.list", NODE_PLACE_PATH "\n");
    scratch_root_write(&root, NODE_PLACE_PATH, "an older one");
    static const char *const steps[] = {"find", "install"};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        run(steps[i]);
        check_failed(ERROR_REFUSED, "belongs to a package");
    }
    AUTO_BUFFER struct buffer there = {0};
    CU_ASSERT_EQUAL(file_read(&root, NODE_PLACE_PATH, 100, &there, NULL), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&there), "an older one");
    scratch_root_copy(&root, NODE_PLACE_PATH, scratch_root_host(&outside, OURS));
    run("install");
    check_said("existed=1 in_place=1\n");
}

/* The same bytes that nobody can start, or that somebody else can change, are not it. */
static void test_mode_and_owner_count(void) {
    run("install");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, NODE_PLACE_PATH), 0644), 0);
    run("install");
    check_said("existed=1 in_place=0\n");
    check_installed();
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, NODE_PLACE_PATH), 65534, 0), 0);
    run("install");
    check_said("existed=1 in_place=0\n");
    check_installed();
}

static void test_a_link_in_its_place_is_replaced(void) {
    scratch_root_copy(&root, "/elsewhere", scratch_root_host(&outside, OURS));
    scratch_root_link(&root, NODE_PLACE_PATH, "/elsewhere");
    run("install");
    check_said("existed=1 in_place=0\n");
    check_installed();
}

static void test_only_what_was_not_there_is_taken_back(void) {
    run("install-and-take-back");
    CU_ASSERT_FALSE(root_exists(&root, NODE_PLACE_PATH));
    scratch_root_write(&root, NODE_PLACE_PATH, "an older one");
    run("install-and-take-back");
    check_installed();
}

static void test_it_must_be_able_to_start_there(void) {
    scratch_root_run("rm", scratch_root_host(&root, "/lib/x86_64-linux-gnu/libc.so.6"), NULL);
    run("install");
    check_failed(ERROR_DEPENDENCY, "libc.so.6");
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&said), "prebake-node"));
    CU_ASSERT_FALSE(root_exists(&root, NODE_PLACE_PATH));
}

static void test_what_is_no_program_is_told(void) {
    scratch_root_write(&outside, OURS, "#!/bin/sh\n");
    run("install");
    CU_ASSERT_EQUAL(strncmp(buffer_string(&said), "kind ", 5), 0);
    CU_ASSERT_FALSE(root_exists(&root, NODE_PLACE_PATH));
}

/* There is neither /proc, to know where we are, nor a program in /usr/sbin. */
static int look(struct error *err) {
    AUTO_ROOT struct root here = ROOT_INIT;
    AUTO_NODE_PROGRAM struct node_program program = {0};
    int rc = root_open(&here, "/", err);
    return rc ? rc : node_program_find(&here, &program, err);
}

static void test_without_it_there_is_no_bake(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(in_empty_world(look, "", &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, NODE_PLACE_PATH));
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], STEP))
        return take_step(argv[2], argv[3]);
    CU_TestInfo tests[] = {
        {"it is installed once", test_it_is_installed_once},
        {"another version is replaced", test_another_version_is_replaced},
        {"a package's program is not replaced", test_a_packages_program_is_not_replaced},
        {"mode and owner count", test_mode_and_owner_count},
        {"a link in its place is replaced", test_a_link_in_its_place_is_replaced},
        {"only what was not there is taken back", test_only_what_was_not_there_is_taken_back},
        {"it must be able to start there", test_it_must_be_able_to_start_there},
        {"what is no program is told", test_what_is_no_program_is_told},
        {"without it there is no bake", test_without_it_there_is_no_bake},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "node_program",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
