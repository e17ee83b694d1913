#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/process.h"
#include "kmod/system/elf_dynamic.h"
#include "kmod/system/shared_libraries.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/*
 * A root that a real program can be started in: the loader and libc of this machine, a library with
 * symbol versions, a library that uses it, and a program that uses that one. Each verdict is
 * compared with what the kernel and the real loader say in a chroot.
 */
#define LIBRARY_FOLDER "/lib/x86_64-linux-gnu"
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define LIBC LIBRARY_FOLDER "/libc.so.6"
#define BASE LIBRARY_FOLDER "/libbase.so.1"
#define MIDDLE LIBRARY_FOLDER "/libmiddle.so.1"
#define PROGRAM "/usr/bin/program"

static struct root root = ROOT_INIT;
static struct error err;

static void make_base(const char *path, const char *version) {
    char script[128], argument[256];
    snprintf(script, sizeof script, "%s { global: base_call; local: *; };\n", version);
    scratch_root_write(&root, "/tmp/base.map", script);
    snprintf(argument, sizeof argument, "-Wl,--version-script=%s",
             scratch_root_host(&root, "/tmp/base.map"));
    const char *arguments[] = {"-shared", "-fPIC", "-Wl,-soname,libbase.so.1", argument, NULL};
    scratch_root_compile(&root, path, "int base_call(void) { return 0; }\n", arguments);
}

static void make_middle(const char *extra) {
    const char *arguments[] = {
        "-shared", "-fPIC", "-Wl,-soname,libmiddle.so.1", scratch_root_host(&root, BASE),
        extra,     NULL};
    scratch_root_compile(&root, MIDDLE,
                         "int base_call(void);\nint middle_call(void) { return base_call(); }\n",
                         arguments);
}

static void make_program(const char *extra) {
    const char *arguments[] = {scratch_root_host(&root, MIDDLE), "-Wl,--allow-shlib-undefined",
                               extra, NULL};
    scratch_root_compile(&root, PROGRAM,
                         "int middle_call(void);\nint main(void) { return middle_call(); }\n",
                         arguments);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_dir(&root, "/usr/lib64");
    scratch_root_dir(&root, "/tmp");
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_link(&root, "/lib64", "usr/lib64");
    scratch_root_copy(&root, LOADER, LOADER);
    scratch_root_copy(&root, LIBC, "/lib/x86_64-linux-gnu/libc.so.6");
    make_base(BASE, "BASE_2");
    make_middle(NULL);
    make_program(NULL);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void move(const char *from, const char *to_folder) {
    scratch_root_dir(&root, to_folder);
    scratch_root_run("mv", scratch_root_host(&root, from), scratch_root_host(&root, to_folder),
                     NULL);
}

static void remove_file(const char *path) {
    scratch_root_run("rm", scratch_root_host(&root, path), NULL);
}

static int enter_root(void *context) {
    return chroot(context) || chdir("/") ? -errno : 0;
}

/* Whether the program really starts in the root. */
static bool starts(const char *path) {
    const char *argv[] = {path, NULL};
    /* There is no /proc in the root to ask for the program's own folder. */
    static const char *const environment[] = {"LD_ORIGIN_PATH=/usr/bin", NULL};
    struct process_spec spec = {.environment = environment,
                                .argv = argv,
                                .prepare = enter_root,
                                .prepare_context = root.path};
    struct process_result result = {.exit_status = 99};
    return process_run(&spec, &result, NULL) == 0 && result.exit_status == 0;
}

static int check(const char *path) {
    AUTO_CLOSE int fd = -1;
    if (root_open_file(&root, path, &fd, &err))
        return -EIO;
    return shared_libraries_check(&root, fd, path, &err);
}

static void check_starts(void) {
    int rc = check(PROGRAM);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_TRUE(starts(PROGRAM));
}

/* The sentence names what is missing and who needs it. */
static void check_fails(const char *missing, const char *who) {
    CU_ASSERT_EQUAL(check(PROGRAM), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, missing));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, who));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, PROGRAM));
    CU_ASSERT_FALSE(starts(PROGRAM));
}

static void test_a_whole_root(void) {
    check_starts();
}

static void test_a_missing_library(void) {
    remove_file(MIDDLE);
    check_fails("libmiddle.so.1", PROGRAM);
}

static void test_a_librarys_missing_library(void) {
    remove_file(BASE);
    check_fails("libbase.so.1", MIDDLE);
}

static void test_a_missing_libc_names_its_package(void) {
    remove_file(LIBC);
    check_fails("libc.so.6 (Debian package libc6)", PROGRAM);
}

static void test_a_missing_interpreter(void) {
    remove_file(LOADER);
    check_fails(LOADER, PROGRAM);
}

static void test_an_older_library(void) {
    make_base(BASE, "BASE_1");
    check_fails("BASE_2 of libbase.so.1", MIDDLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, BASE));
}

/* The loader warns of it, and then ends in an assertion of its own. */
static void test_a_library_without_versions(void) {
    static const char *const arguments[] = {"-shared", "-fPIC", "-Wl,-soname,libbase.so.1", NULL};
    scratch_root_compile(&root, BASE, "int base_call(void) { return 0; }\n", arguments);
    check_fails("BASE_2 of libbase.so.1", MIDDLE);
}

static void test_a_folder_of_ld_so_conf(void) {
    move(BASE, "/opt/lib");
    check_fails("libbase.so.1", MIDDLE);
    scratch_root_write(&root, "/etc/ld.so.conf", "# ours\ninclude ld.so.conf.d/*.conf\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/other.txt", "/opt/lib\n");
    check_fails("libbase.so.1", MIDDLE);
    scratch_root_write(&root, "/etc/ld.so.conf.d/ours.conf", "  /opt/lib   # here\n");
    scratch_root_run("ldconfig", "-r", root.path, NULL);
    check_starts();
}

static void test_configuration_that_includes_itself_ends(void) {
    scratch_root_write(&root, "/etc/ld.so.conf", "include /etc/ld.so.conf\n");
    CU_ASSERT_EQUAL(check(PROGRAM), -ELOOP);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

static void test_runpath_with_origin(void) {
    move(MIDDLE, "/opt/lib");
    check_fails("libmiddle.so.1", PROGRAM);
    move("/opt/lib/libmiddle.so.1", LIBRARY_FOLDER);
    make_program("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../../opt/lib");
    move(MIDDLE, "/opt/lib");
    check_starts();
    /* A runpath is the program's own: its libraries' libraries are not looked for in it. */
    move(BASE, "/opt/lib");
    check_fails("libbase.so.1", "/usr/bin/../../opt/lib/libmiddle.so.1");
}

static void test_rpath_is_inherited(void) {
    make_program("-Wl,--disable-new-dtags,-rpath,/nowhere:${ORIGIN}/../../opt/lib");
    move(MIDDLE, "/opt/lib");
    move(BASE, "/opt/lib");
    check_starts();
}

static void test_an_own_runpath_hides_an_inherited_rpath(void) {
    make_middle("-Wl,--enable-new-dtags,-rpath,/nowhere");
    make_program("-Wl,--disable-new-dtags,-rpath,/opt/lib");
    move(BASE, "/opt/lib");
    check_fails("libbase.so.1", MIDDLE);
}

static void test_a_library_of_another_machine_is_passed_over(void) {
    scratch_root_copy(&root, "/usr/local/lib/libbase.so.1", scratch_root_host(&root, BASE));
    AUTO_CLOSE int fd =
        open(scratch_root_host(&root, "/usr/local/lib/libbase.so.1"), O_WRONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(pwrite(fd, "\xb7", 1, 18), 1); /* e_machine: EM_AARCH64 */
    scratch_root_write(&root, "/etc/ld.so.conf", "/usr/local/lib\n");
    check_starts();
    remove_file(BASE);
    check_fails("libbase.so.1", MIDDLE);
}

static void test_a_library_that_is_no_elf(void) {
    scratch_root_write(&root, BASE, "this is not the library you are looking for");
    CU_ASSERT_EQUAL(check(PROGRAM), -ENOEXEC);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, BASE));
    CU_ASSERT_FALSE(starts(PROGRAM));
}

static void test_a_static_program(void) {
    static const char *const arguments[] = {"-static", NULL};
    remove_file(LOADER);
    remove_file(LIBC);
    scratch_root_compile(&root, PROGRAM, "int main(void) { return 0; }\n", arguments);
    check_starts();
}

static void test_a_library_by_itself(void) {
    CU_ASSERT_EQUAL(check(MIDDLE), 0);
    remove_file(BASE);
    CU_ASSERT_EQUAL(check(MIDDLE), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "libbase.so.1"));
}

static void test_links_stay_inside(void) {
    move(BASE, "/opt/lib");
    scratch_root_link(&root, BASE, "/opt/lib/libbase.so.1");
    check_starts();
    remove_file(BASE);
    scratch_root_link(&root, BASE, scratch_root_host(&root, "/opt/lib/libbase.so.1"));
    check_fails("libbase.so.1", MIDDLE);
}

static void test_a_real_program_of_this_machine(void) {
    AUTO_ROOT struct root host = ROOT_INIT;
    AUTO_CLOSE int fd = open("/usr/bin/gcc", O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(root_open(&host, "/", &err), 0);
    int rc = shared_libraries_check(&host, fd, "/usr/bin/gcc", &err);
    CU_ASSERT_EQUAL(rc, 0);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
}

/* Reads a copy of the library with some bytes changed; only what it returns for is of interest. */
static int read_bytes(const uint8_t *data, size_t size) {
    AUTO_CLOSE int fd = memfd_create("fuzzed", MFD_CLOEXEC);
    AUTO_ELF_DYNAMIC struct elf_dynamic dynamic = {0};
    struct error ignored = {0};
    CU_ASSERT_EQUAL(file_write_all(fd, data, size), 0);
    int rc = elf_dynamic_read(fd, "fuzzed", &dynamic, &ignored);
    CU_ASSERT_TRUE(rc == 0 || (ignored.kind == ERROR_DAMAGED && *ignored.text));
    return rc;
}

static void test_every_truncation(void) {
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(file_read(&root, MIDDLE, 1 << 20, &content, &err), 0);
    CU_ASSERT_EQUAL(read_bytes(content.data, content.size), 0);
    size_t refused = 0;
    for (size_t size = 0; size < content.size; size += 7)
        refused += read_bytes(content.data, size) != 0;
    CU_ASSERT_TRUE(refused > 100);
    CU_ASSERT_EQUAL(read_bytes(content.data, 63), -ENOEXEC);
    CU_ASSERT_EQUAL(read_bytes(content.data, 0x200), -EBADMSG);
}

/* Every byte that the reader looks at, set to extremes: an error or a result, never a crash. */
static void test_hostile_bytes(void) {
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(file_read(&root, MIDDLE, 1 << 20, &content, &err), 0);
    size_t refused = 0;
    for (size_t at = 0; at < content.size; at += at < 0x600 || at > 0x2d00 ? 1 : 13) {
        uint8_t original = content.data[at];
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            content.data[at] = values[i];
            refused += read_bytes(content.data, content.size) != 0;
        }
        content.data[at] = original;
    }
    CU_ASSERT_TRUE(refused > 100);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a whole root", test_a_whole_root},
        {"a missing library", test_a_missing_library},
        {"a library's missing library", test_a_librarys_missing_library},
        {"a missing libc names its package", test_a_missing_libc_names_its_package},
        {"a missing interpreter", test_a_missing_interpreter},
        {"an older library", test_an_older_library},
        {"a library without versions", test_a_library_without_versions},
        {"a folder of ld.so.conf", test_a_folder_of_ld_so_conf},
        {"configuration that includes itself ends", test_configuration_that_includes_itself_ends},
        {"runpath with $ORIGIN", test_runpath_with_origin},
        {"rpath is inherited", test_rpath_is_inherited},
        {"an own runpath hides an inherited rpath", test_an_own_runpath_hides_an_inherited_rpath},
        {"a library of another machine is passed over",
         test_a_library_of_another_machine_is_passed_over},
        {"a library that is no ELF", test_a_library_that_is_no_elf},
        {"a static program", test_a_static_program},
        {"a library by itself", test_a_library_by_itself},
        {"links stay inside", test_links_stay_inside},
        {"a real program of this machine", test_a_real_program_of_this_machine},
        {"every truncation", test_every_truncation},
        {"hostile bytes", test_hostile_bytes},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "shared libraries",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
