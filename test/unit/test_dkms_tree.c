#include <CUnit/Basic.h>
#include <string.h>

#include "base/process.h"
#include "kmod/system/dkms_tree.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define KERNEL "6.99.0-small"
#define MACHINE "x86_64"
#define MODULES DKMS_TREE "/mod"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, DKMS_TREE);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* As `dkms add` leaves it, with a dkms.conf that the real dkms accepts. */
static void add(const char *version) {
    char path[256], text[512];
    snprintf(path, sizeof path, "/usr/src/mod-%s/dkms.conf", version);
    snprintf(text, sizeof text,
             "PACKAGE_NAME=mod\nPACKAGE_VERSION=%s\nBUILT_MODULE_NAME[0]=mod\n"
             "DEST_MODULE_LOCATION[0]=/extra\n",
             version);
    scratch_root_write(&root, path, text);
    AUTO_FREE char *target = root_host_path(&root, "/usr/src/mod-");
    snprintf(text, sizeof text, "%s%s", target, version);
    snprintf(path, sizeof path, MODULES "/%s/source", version);
    scratch_root_link(&root, path, text);
}

static void build(const char *version, const char *kernel, const char *file) {
    char path[256];
    snprintf(path, sizeof path, MODULES "/%s/%s/" MACHINE "/module/%s", version, kernel, file);
    scratch_root_write(&root, path, "module");
    snprintf(path, sizeof path, MODULES "/%s/%s/" MACHINE "/log/make.log", version, kernel);
    scratch_root_write(&root, path, "log");
}

static void install(const char *version, const char *kernel) {
    char path[256], target[256];
    snprintf(path, sizeof path, MODULES "/kernel-%s-" MACHINE, kernel);
    snprintf(target, sizeof target, "%s/%s/" MACHINE, version, kernel);
    scratch_root_link(&root, path, target);
}

/* What the real dkms prints of the tree. */
static void dkms_status(struct buffer *output) {
    const char *argv[] = {"/usr/sbin/dkms", "status", "--dkmstree",
                          scratch_root_host(&root, DKMS_TREE), NULL};
    struct process_spec spec = {.argv = argv, .output = output};
    struct process_result result = {.exit_status = 99};
    int rc = process_run(&spec, &result, &err);
    if (rc || result.exit_status)
        fprintf(stderr, "dkms: %s%s\n", err.text, buffer_string(output));
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(result.exit_status, 0);
}

static unsigned count_lines(const char *text) {
    unsigned lines = 0;
    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}

/* Both tell the same state of version 1.0, and as many lines. */
static void check_state(enum dkms_state expected, const char *dkms_says) {
    AUTO_BUFFER struct buffer status = {0};
    enum dkms_state state = DKMS_ABSENT;
    unsigned count = 99, every = 99;
    CU_ASSERT_EQUAL(dkms_tree_state(&root, "mod", "1.0", KERNEL, MACHINE, &state, &err), 0);
    CU_ASSERT_EQUAL(state, expected);
    dkms_status(&status);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&status), dkms_says));
    CU_ASSERT_EQUAL(dkms_tree_count(&root, "mod", &count, &err), 0);
    CU_ASSERT_EQUAL(dkms_tree_count(&root, NULL, &every, &err), 0);
    CU_ASSERT_EQUAL(every, count_lines(buffer_string(&status)));
    CU_ASSERT_EQUAL(count, every);
}

static void test_paths(void) {
    AUTO_DKMS_PATHS struct dkms_paths paths = {0};
    CU_ASSERT_EQUAL(
        dkms_paths_make("nvidia-current-open", "535.261.03", KERNEL, MACHINE, &paths, &err), 0);
    CU_ASSERT_STRING_EQUAL(paths.module_dir, "/var/lib/dkms/nvidia-current-open");
    CU_ASSERT_STRING_EQUAL(paths.version_dir, "/var/lib/dkms/nvidia-current-open/535.261.03");
    CU_ASSERT_STRING_EQUAL(paths.source_link,
                           "/var/lib/dkms/nvidia-current-open/535.261.03/source");
    CU_ASSERT_STRING_EQUAL(paths.source_dir, "/usr/src/nvidia-current-open-535.261.03");
    CU_ASSERT_STRING_EQUAL(paths.kernel_dir,
                           "/var/lib/dkms/nvidia-current-open/535.261.03/" KERNEL "/" MACHINE);
    CU_ASSERT_STRING_EQUAL(paths.built_dir, "/var/lib/dkms/nvidia-current-open/535.261.03/" KERNEL
                                            "/" MACHINE "/module");
    CU_ASSERT_STRING_EQUAL(paths.log_dir, "/var/lib/dkms/nvidia-current-open/535.261.03/" KERNEL
                                          "/" MACHINE "/log");
    CU_ASSERT_STRING_EQUAL(paths.kernel_link,
                           "/var/lib/dkms/nvidia-current-open/kernel-" KERNEL "-" MACHINE);
    CU_ASSERT_STRING_EQUAL(paths.kernel_target, "535.261.03/" KERNEL "/" MACHINE);
}

static void test_hostile_names(void) {
    static const char *const hostile[] = {"..", "", "a/b", "-a", ".hidden", "a b", "a*", "a\nb"};
    struct dkms_paths paths;
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        const char *bad = hostile[i];
        CU_ASSERT_EQUAL(dkms_paths_make(bad, "1.0", KERNEL, MACHINE, &paths, &err), -EINVAL);
        CU_ASSERT_EQUAL(dkms_paths_make("mod", bad, KERNEL, MACHINE, &paths, &err), -EINVAL);
        CU_ASSERT_EQUAL(dkms_paths_make("mod", "1.0", bad, MACHINE, &paths, &err), -EINVAL);
        CU_ASSERT_EQUAL(dkms_paths_make("mod", "1.0", KERNEL, bad, &paths, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    }
    CU_ASSERT_EQUAL(dkms_paths_make("mod", "original_module", KERNEL, MACHINE, &paths, &err),
                    -EINVAL);
    CU_ASSERT_EQUAL(dkms_paths_make("mod", "kernel-x", KERNEL, MACHINE, &paths, &err), -EINVAL);
}

static void test_no_tree(void) {
    scratch_root_run("rmdir", scratch_root_host(&root, DKMS_TREE), NULL);
    enum dkms_state state = DKMS_INSTALLED;
    unsigned count = 99;
    CU_ASSERT_EQUAL(dkms_tree_state(&root, "mod", "1.0", KERNEL, MACHINE, &state, &err), 0);
    CU_ASSERT_EQUAL(state, DKMS_ABSENT);
    CU_ASSERT_EQUAL(dkms_tree_count(&root, NULL, &count, &err), 0);
    CU_ASSERT_EQUAL(count, 0);
}

static void test_a_version_without_source_is_absent(void) {
    build("1.0", KERNEL, "mod.ko");
    check_state(DKMS_ABSENT, "");
}

static void test_added(void) {
    add("1.0");
    check_state(DKMS_ADDED, "mod/1.0: added");
}

/* dkms itself then refuses to say anything: the conf is not there. */
static void test_a_dangling_source_is_added(void) {
    enum dkms_state state = DKMS_ABSENT;
    unsigned count = 0;
    scratch_root_link(&root, MODULES "/1.0/source", "/usr/src/nowhere");
    CU_ASSERT_EQUAL(dkms_tree_state(&root, "mod", "1.0", KERNEL, MACHINE, &state, &err), 0);
    CU_ASSERT_EQUAL(state, DKMS_ADDED);
    CU_ASSERT_EQUAL(dkms_tree_count(&root, "mod", &count, &err), 0);
    CU_ASSERT_EQUAL(count, 1);
}

static void test_an_empty_build_is_added(void) {
    add("1.0");
    scratch_root_dir(&root, MODULES "/1.0/" KERNEL "/" MACHINE "/module");
    check_state(DKMS_ADDED, "mod/1.0: added");
}

static void test_built(void) {
    add("1.0");
    build("1.0", KERNEL, "mod.ko");
    check_state(DKMS_BUILT, "mod/1.0, " KERNEL ", " MACHINE ": built");
}

static void test_installed(void) {
    add("1.0");
    build("1.0", KERNEL, "mod.ko");
    install("1.0", KERNEL);
    check_state(DKMS_INSTALLED, "mod/1.0, " KERNEL ", " MACHINE ": installed");
}

static void test_the_link_leads_to_another_version(void) {
    add("1.0");
    add("2.0");
    build("1.0", KERNEL, "mod.ko");
    build("2.0", KERNEL, "mod.ko");
    install("2.0", KERNEL);
    check_state(DKMS_BUILT, "mod/1.0, " KERNEL ", " MACHINE ": built");
}

static void test_counts_follow_dkms(void) {
    add("1.0");
    add("2.0");
    add("3.0");
    build("1.0", KERNEL, "mod.ko");
    build("1.0", "6.99.1-other", "mod.ko");
    build("2.0", KERNEL, "mod.ko");
    build("3.0", "not-a-kernel", "mod.ko");
    install("1.0", "6.99.1-other");
    scratch_root_dir(&root, MODULES "/original_module/" KERNEL "/" MACHINE);
    scratch_root_write(&root, DKMS_TREE "/dkms_dbversion", "2.0.0\n");
    check_state(DKMS_BUILT, "mod/3.0: added");
}

static void test_compressed_modules(void) {
    static const char *const names[] = {"mod.ko.gz", "mod.ko.xz", "mod.ko.zst"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char version[16];
        enum dkms_state state = DKMS_ABSENT;
        snprintf(version, sizeof version, "%zu.0", i);
        add(version);
        build(version, KERNEL, names[i]);
        CU_ASSERT_EQUAL(dkms_tree_state(&root, "mod", version, KERNEL, MACHINE, &state, &err), 0);
        CU_ASSERT_EQUAL(state, DKMS_BUILT);
    }
}

static void test_planted_links_stay_inside(void) {
    add("1.0");
    build("1.0", KERNEL, "mod.ko");
    scratch_root_link(&root, MODULES "/kernel-" KERNEL "-" MACHINE, "/../../../etc");
    enum dkms_state state = DKMS_ABSENT;
    CU_ASSERT_EQUAL(dkms_tree_state(&root, "mod", "1.0", KERNEL, MACHINE, &state, &err), 0);
    CU_ASSERT_EQUAL(state, DKMS_BUILT);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"paths", test_paths},
        {"hostile names", test_hostile_names},
        {"no tree", test_no_tree},
        {"a version without source is absent", test_a_version_without_source_is_absent},
        {"added", test_added},
        {"a dangling source is added", test_a_dangling_source_is_added},
        {"an empty build is added", test_an_empty_build_is_added},
        {"built", test_built},
        {"installed", test_installed},
        {"the link leads to another version", test_the_link_leads_to_another_version},
        {"counts follow dkms", test_counts_follow_dkms},
        {"compressed modules", test_compressed_modules},
        {"planted links stay inside", test_planted_links_stay_inside},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "DKMS tree", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
