#include "toolchain/build_log.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define BUILD "/var/lib/dkms/nvidia-current-open/535.261.03/build"

/* The first error of the log that `text` is, as it is told; the caller frees. */
static char *first_error(const char *text) {
    AUTO_BUILD_LOG struct build_log_error found = {0};
    struct error err = {0};
    if (!workdir_write("make.log", text, strlen(text)) ||
        build_log_first_error(workdir_path("make.log"), BUILD, &found, &err))
        return NULL;
    return build_log_describe(&found);
}

static void check(const char *text, const char *expected) {
    AUTO_FREE char *told = first_error(text);
    CU_ASSERT_PTR_NOT_NULL(told);
    if (!told || strcmp(told, expected)) {
        CU_FAIL("another error is told");
        fprintf(stderr, "told \"%s\" instead of \"%s\"\n", told ? told : "", expected);
    }
}

/* From the real log of 535.261.03 on 6.1.0-56-cloud-amd64, with two jobs; long lines shortened. */
static const char NVIDIA[] =
    "DKMS make.log for nvidia-current-open-535.261.03 for kernel 6.1.0-56-cloud-amd64 (x86_64)\n"
    "test -e include/generated/autoconf.h || ( echo >&2 \"  ERROR: Kernel configuration is "
    "invalid.\"; /bin/false)\n"
    "  gcc-12 -Wp,-MMD," BUILD "/nvidia/.nv-pci.o.d -nostdinc -Werror=date-time -c -o " BUILD
    "/nvidia/nv-pci.o " BUILD "/nvidia/nv-pci.c\n" BUILD
    "/nvidia/nv-pci.c: In function 'nv_resize_pcie_bars':\n" BUILD
    "/nvidia/nv-pci.c:223:9: error: too few arguments to function 'pci_resize_resource'\n"
    "  223 |     r = pci_resize_resource(pci_dev, NV_GPU_BAR1, requested_size);\n"
    "      |         ^~~~~~~~~~~~~~~~~~~\n"
    "In file included from " BUILD "/nvidia/nv-pci-table.h:27,\n"
    "                 from " BUILD "/nvidia/nv-pci.c:24:\n"
    "/usr/src/linux-headers-6.1.0-56-common/include/linux/pci.h:1388:18: note: declared here\n"
    "make[3]: *** [/usr/src/linux-headers-6.1.0-56-common/scripts/Makefile.build:255: " BUILD
    "/nvidia/nv-pci.o] Error 1\n"
    "make[3]: *** Waiting for unfinished jobs....\n"
    "make[1]: *** [Makefile:250: __sub-make] Error 2\n"
    "make: *** [Makefile:137: modules] Error 2\n";

static void test_a_real_failure_of_nvidia(void) {
    AUTO_BUILD_LOG struct build_log_error found = {0};
    struct error err = {0};
    CU_ASSERT_TRUE(workdir_write("make.log", NVIDIA, strlen(NVIDIA)));
    CU_ASSERT_EQUAL(build_log_first_error(workdir_path("make.log"), BUILD, &found, &err), 0);
    CU_ASSERT_STRING_EQUAL(found.file, "nvidia/nv-pci.c");
    CU_ASSERT_EQUAL(found.line, 223);
    CU_ASSERT_STRING_EQUAL(found.message,
                           "error: too few arguments to function 'pci_resize_resource'");
}

static void test_each_kind_is_known(void) {
    check(BUILD "/a.c:3:10: fatal error: linux/no.h: No such file or directory\n",
          "a.c:3: fatal error: linux/no.h: No such file or directory");
    check("/usr/src/x.h:12: error: #error \"no\"\n", "/usr/src/x.h:12: error: #error \"no\"");
    check("gcc-12: error: unrecognized command-line option \xe2\x80\x98-fx\xe2\x80\x99\n",
          "gcc-12: error: unrecognized command-line option \xe2\x80\x98-fx\xe2\x80\x99");
    check("ld: a.o: in function `f':\na.c:(.text+0x1): undefined reference to `g'\n",
          "a.c:(.text+0x1): undefined reference to `g'");
    check("  MODPOST x\nERROR: modpost: \"gone\" [" BUILD "/a.ko] undefined!\n",
          "ERROR: modpost: \"gone\" [" BUILD "/a.ko] undefined!");
    check("make[1]: *** No rule to make target 'a.o', needed by 'b'.  Stop.\n",
          "make[1]: *** No rule to make target 'a.o', needed by 'b'.  Stop.");
    check("/bin/sh: 1: gcc-12: command not found\nmake: *** [Makefile:1: x] Error 127\n",
          "/bin/sh: 1: gcc-12: command not found");
    check("{standard input}:5: Error: no such instruction: `foo'\n",
          "{standard input}:5: Error: no such instruction: `foo'");
    check("Makefile:60: *** *** Unable to determine the target kernel version. ***. Stop.\n",
          "Makefile:60: *** *** Unable to determine the target kernel version. ***. Stop.");
}

static void test_the_cause_wins_over_what_follows(void) {
    check("make[2]: *** [Makefile:1: a.o] Error 1\nlate\n" BUILD "/a.c:1:2: error: cause\nend\n",
          "a.c:1: error: cause");
    check("something\nmake: *** [Makefile:1: x] Error 1\n", "make: *** [Makefile:1: x] Error 1");
    check("( echo \"ERROR: x\" )\nmake: *** No\n", "make: *** No");
    check("first\nlast words\n\n  \n", "last words");
    check("", "make said nothing");
}

static void test_warnings_and_notes_are_no_errors(void) {
    check("a.c:1:2: warning: unused\na.c:1:2: note: error-prone\n"
          "a.c:9:1: error: real [-Werror=x]\n",
          "a.c:9: error: real [-Werror=x]");
}

/* The log is written by code of the source. */
static void test_hostile_logs(void) {
    check("a.c:1:2: error: \033[31mred\007\r\n", "a.c:1: error: ?[31mred?");
    check("a.c:99999999999999999999:1: error: x\n", "a.c:99999999999999999999:1: error: x");
    check("a.c:0:1: error: x\n", "a.c:0:1: error: x");
    AUTO_BUFFER struct buffer text = {0};
    for (int i = 0; i < 20000; i++)
        CU_ASSERT_EQUAL(buffer_append_string(&text, "0123456789"), 0);
    CU_ASSERT_EQUAL(buffer_append_string(&text, "x.c:1:1: error: inside\ny.c:2:1: error: y\n"), 0);
    check(buffer_string(&text), "y.c:2: error: y");
}

static void test_a_missing_log_is_an_error(void) {
    struct build_log_error found;
    struct error err = {0};
    CU_ASSERT_EQUAL(build_log_first_error(workdir_path("none"), BUILD, &found, &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "none"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a real failure of NVIDIA", test_a_real_failure_of_nvidia},
        {"each kind is known", test_each_kind_is_known},
        {"the cause wins over what follows", test_the_cause_wins_over_what_follows},
        {"warnings and notes are no errors", test_warnings_and_notes_are_no_errors},
        {"hostile logs", test_hostile_logs},
        {"a missing log is an error", test_a_missing_log_is_an_error},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "build_log",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
