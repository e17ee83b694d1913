#include "toolchain/kbuild.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/without_namespaces.h"

#define RELEASE "6.1.0-47-cloud-amd64" /* what scripts/install-deps installs */

/* Two small modules, with everything a dkms.conf can ask of a build. */
static const char CONF[] = "PACKAGE_NAME=hello\nPACKAGE_VERSION=1.0\n"
                           "MAKE='make -C $kernel_source_dir M=$dkms_tree/$module/$module_version"
                           "/build/src modules'\n"
                           "BUILT_MODULE_NAME=(hello other)\nBUILT_MODULE_LOCATION=(src src)\n"
                           "DEST_MODULE_NAME[0]=hello-current\n"
                           "DEST_MODULE_LOCATION=(/updates /updates)\n"
                           "PATCH=a.patch\nPRE_BUILD='pre.sh told'\nPOST_BUILD=post.sh\n";
static const char MAKEFILE[] = "obj-m := hello.o other.o\n";
static const char HELLO[] = "#include <linux/module.h>\n"
                            "static const char where[] = __FILE__;\n"
                            "module_param_string(where, (char *)where, sizeof where, 0400);\n"
                            "MODULE_DESCRIPTION(\"before\");\n"
                            "MODULE_LICENSE(\"GPL\");\n";
static const char OTHER[] = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n";
static const char PATCH[] = "--- a/src/hello.c\n+++ b/src/hello.c\n@@ -4,2 +4,2 @@\n"
                            "-MODULE_DESCRIPTION(\"before\");\n+MODULE_DESCRIPTION(\"patched\");\n"
                            " MODULE_LICENSE(\"GPL\");\n";
/* Fails at its end, which dkms lets pass. */
static const char PRE[] = "#!/bin/sh\necho \"pre $1 in $PWD with $CC\"\n"
                          "echo 'ccflags-y := -DPRE' >>src/Makefile\nexit 3\n";
static const char POST[] = "#!/bin/sh\necho changed >src/hello.ko\n";

/* /source, /work, /out and /log are the build's; /target is a root with headers of its own. */
static struct root root = ROOT_INIT, host = ROOT_INIT;
static unsigned warnings, progresses;

static void count_messages(void *context, enum log_level level, const char *message) {
    (void)context;
    warnings += level == LOG_LEVEL_WARNING;
    progresses += level == LOG_LEVEL_PROGRESS && strstr(message, "compiling: ");
}

static void write_script(const char *path, const char *text) {
    scratch_root_write(&root, path, text);
    if (chmod(scratch_root_host(&root, path), 0755)) {
        perror(path);
        exit(1);
    }
}

static void make_source(void) {
    scratch_root_write(&root, "/source/dkms.conf", CONF);
    scratch_root_write(&root, "/source/src/Makefile", MAKEFILE);
    scratch_root_write(&root, "/source/src/hello.c", HELLO);
    scratch_root_write(&root, "/source/src/other.c", OTHER);
    scratch_root_write(&root, "/source/patches/a.patch", PATCH);
    write_script("/source/pre.sh", PRE);
    write_script("/source/post.sh", POST);
}

static int set_up(void) {
    struct error err = {0};
    scratch_root_make(&root);
    log_set_sink(count_messages, NULL);
    if (root_open(&host, "/", &err))
        fprintf(stderr, "%s\n", err.text);
    return host.fd < 0;
}

static int tear_down(void) {
    root_close(&host);
    scratch_root_remove(&root);
    return 0;
}

static int build_into(const struct root *target, const char *out, struct error *err) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    AUTO_COMPILER struct compiler compiler = {0};
    struct source source = {.path = (char *)scratch_root_host(&root, "/source")};
    int rc = kernel_headers_read(target, RELEASE, &headers, err);
    if (!rc)
        rc = dkms_conf_read(target, source.path, &headers, 2, &conf, err);
    if (!rc)
        rc = compiler_find(headers.compiler, false, &compiler, err);
    if (rc)
        return rc;
    warnings = progresses = 0;
    struct kbuild_spec spec = {.root = target,
                               .source = &source,
                               .headers = &headers,
                               .compiler = &compiler,
                               .conf = &conf,
                               .jobs = 2,
                               .work_dir = scratch_root_host(&root, "/work"),
                               .log_path = scratch_root_host(&root, "/log")};
    return kbuild_run(&spec, out, err);
}

/* Empty folders, then a build of what is in /source. */
static int build(const struct root *target, struct error *err) {
    scratch_root_run("rm", "-rf", scratch_root_host(&root, "/out"),
                     scratch_root_host(&root, "/work"), scratch_root_host(&root, "/log"), NULL);
    scratch_root_dir(&root, "/out");
    scratch_root_dir(&root, "/work");
    int rc = build_into(target, scratch_root_host(&root, "/out"), err);
    if (rc)
        fprintf(stderr, "(%s)\n", err->text);
    return rc;
}

static void read_back(const char *path, struct buffer *out) {
    struct error err = {0};
    CU_ASSERT_EQUAL(file_read(&root, path, 1 << 24, out, &err), 0);
}

static bool contains(const struct buffer *data, const char *text) {
    return data->size > 0 && memmem(data->data, data->size, text, strlen(text));
}

static bool is_empty(const char *path) {
    AUTO_STRLIST struct strlist names = {0};
    return root_list(&root, path, &names, NULL) == 0 && names.count == 0;
}

static void test_a_source_is_built_as_dkms_does(void) {
    struct error err = {0};
    AUTO_BUFFER struct buffer hello = {0};
    AUTO_BUFFER struct buffer log = {0};
    make_source();
    CU_ASSERT_EQUAL(build(&host, &err), 0);
    read_back("/out/hello-current.ko", &hello);
    read_back("/log", &log);
    CU_ASSERT_TRUE(contains(&hello, "\x7f"
                                    "ELF"));
    CU_ASSERT_TRUE(contains(&hello, "description=patched"));
    CU_ASSERT_TRUE(contains(&hello, "vermagic=" RELEASE " "));
    CU_ASSERT_TRUE(contains(&hello, "/var/lib/dkms/hello/1.0/build/src/hello.c"));
    CU_ASSERT_TRUE(root_exists(&root, "/out/other.ko"));
    CU_ASSERT_TRUE(contains(&log, "DKMS make.log for hello-1.0 for kernel " RELEASE " (x86_64)\n"));
    CU_ASSERT_TRUE(contains(&log, "pre told in /var/lib/dkms/hello/1.0/build with gcc-12\n"));
    CU_ASSERT_EQUAL(warnings, 1); /* PRE_BUILD's status */
    CU_ASSERT_TRUE(progresses > 0);
    CU_ASSERT_TRUE(is_empty("/work"));
    AUTO_BUFFER struct buffer source = {0};
    read_back("/source/src/hello.c", &source);
    CU_ASSERT_STRING_EQUAL(buffer_string(&source), HELLO);
}

static void check_same_modules(const char *other) {
    static const char *const names[] = {"hello-current", "other"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *a = NULL, *b = NULL;
        AUTO_BUFFER struct buffer first = {0};
        AUTO_BUFFER struct buffer second = {0};
        CU_ASSERT_TRUE(asprintf(&a, "/out/%s.ko", names[i]) > 0);
        CU_ASSERT_TRUE(asprintf(&b, "%s/%s.ko", other, names[i]) > 0);
        read_back(a, &first);
        read_back(b, &second);
        CU_ASSERT_EQUAL(first.size, second.size);
        CU_ASSERT_TRUE(first.size == second.size && !memcmp(first.data, second.data, first.size));
    }
}

/* Also from another folder, and for a root that is not this machine's. */
static void test_another_root_gives_the_same_bytes(void) {
    struct error err = {0};
    AUTO_ROOT struct root target = ROOT_INIT;
    make_source();
    CU_ASSERT_EQUAL(build(&host, &err), 0);
    scratch_root_run("mv", scratch_root_host(&root, "/out"), scratch_root_host(&root, "/kept"),
                     NULL);
    scratch_root_dir(&root, "/target/usr/lib/modules");
    scratch_root_dir(&root, "/target/usr/src");
    scratch_root_link(&root, "/target/lib", "usr/lib");
    scratch_root_run("cp", "-a", "/lib/modules/" RELEASE,
                     scratch_root_host(&root, "/target/usr/lib/modules/"), NULL);
    scratch_root_run("cp", "-a", "/usr/src/linux-headers-" RELEASE,
                     "/usr/src/linux-headers-6.1.0-47-common",
                     scratch_root_host(&root, "/target/usr/src/"), NULL);
    scratch_root_run("cp", "-a", "/usr/lib/linux-kbuild-6.1",
                     scratch_root_host(&root, "/target/usr/lib/"), NULL);
    CU_ASSERT_EQUAL(root_open(&target, scratch_root_host(&root, "/target"), &err), 0);
    CU_ASSERT_EQUAL(build(&target, &err), 0);
    check_same_modules("/kept");
    /* The root's own headers were used: what they say is seen. */
    scratch_root_run(
        "sed", "-i", "1i #error these are the headers of the root",
        scratch_root_host(&root, "/target/usr/src/linux-headers-6.1.0-47-common/include/linux/"
                                 "module.h"),
        NULL);
    CU_ASSERT_NOT_EQUAL(build(&target, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "these are the headers of the root"));
}

static void test_without_namespaces_the_bytes_are_the_same(void) {
    struct error err = {0};
    make_source();
    CU_ASSERT_EQUAL(build(&host, &err), 0);
    scratch_root_dir(&root, "/without");
    CU_ASSERT_TRUE(without_namespaces_run(scratch_root_host(&root, "/without")));
    check_same_modules("/without");
}

static void expect_failure(enum error_kind kind, const char *said) {
    struct error err = {0};
    CU_ASSERT_NOT_EQUAL(build(&host, &err), 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, said));
    CU_ASSERT_TRUE(root_exists(&root, "/log"));
    CU_ASSERT_TRUE(is_empty("/work"));
}

static void test_the_first_error_is_told(void) {
    make_source();
    scratch_root_write(&root, "/source/src/other.c",
                       "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\")\nint x = nothing;\n");
    expect_failure(ERROR_BUILD, "hello 1.0 does not compile for " RELEASE ": src/other.c:");
}

static void test_an_unknown_symbol_is_told(void) {
    make_source();
    scratch_root_write(&root, "/source/src/other.c",
                       "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n"
                       "int not_there(void);\nint f(void);\nint f(void) { return not_there(); }\n");
    expect_failure(ERROR_BUILD, "ERROR: modpost: \"not_there\"");
}

static void test_a_module_that_is_not_built_is_named(void) {
    make_source();
    scratch_root_write(&root, "/source/src/Makefile", "obj-m := hello.o\n");
    expect_failure(ERROR_BUILD, "src/other.ko");
    CU_ASSERT_TRUE(is_empty("/out") || !root_exists(&root, "/out/other.ko"));
}

static void test_a_patch_that_does_not_apply_is_named(void) {
    make_source();
    scratch_root_write(&root, "/source/src/hello.c", OTHER);
    expect_failure(ERROR_BUILD, "patches/a.patch");
    scratch_root_run("rm", scratch_root_host(&root, "/source/patches/a.patch"), NULL);
    expect_failure(ERROR_BUILD, "patches/a.patch");
}

/* The build's own code: a link where a module should be, to what only root may read. */
static void test_a_planted_link_is_refused(void) {
    make_source();
    scratch_root_write(&root, "/source/src/Makefile",
                       "modules:\n\ttouch $M/hello.ko; ln -s /etc/shadow $M/other.ko\n");
    scratch_root_write(&root, "/source/dkms.conf",
                       "PACKAGE_NAME=hello\nPACKAGE_VERSION=1.0\n"
                       "MAKE='make -C src M=$dkms_tree/hello/1.0/build/src modules'\n"
                       "BUILT_MODULE_NAME=(hello other)\nBUILT_MODULE_LOCATION=(src src)\n"
                       "DEST_MODULE_LOCATION=(/updates /updates)\n");
    expect_failure(ERROR_BUILD, "src/other.ko");
    CU_ASSERT_FALSE(root_exists(&root, "/out/other.ko"));
}

/* This program's second run: the same source into `out`, which the first run looks at. */
static int build_without_namespaces(const char *out) {
    struct error err = {0};
    without_namespaces_enter();
    if (set_up())
        return 1;
    make_source();
    scratch_root_dir(&root, "/work");
    int rc = build_into(&host, out, &err);
    if (rc)
        printf("%s\n", err.text);
    tear_down();
    return rc != 0;
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], WITHOUT_NAMESPACES))
        return build_without_namespaces(argv[2]);
    CU_TestInfo tests[] = {
        {"a source is built as dkms does", test_a_source_is_built_as_dkms_does},
        {"another root gives the same bytes", test_another_root_gives_the_same_bytes},
        {"without namespaces the bytes are the same",
         test_without_namespaces_the_bytes_are_the_same},
        {"the first error is told", test_the_first_error_is_told},
        {"an unknown symbol is told", test_an_unknown_symbol_is_told},
        {"a module that is not built is named", test_a_module_that_is_not_built_is_named},
        {"a patch that does not apply is named", test_a_patch_that_does_not_apply_is_named},
        {"a planted link is refused", test_a_planted_link_is_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "kbuild", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
