#include "kmod/lifecycle/installer_log.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define VERSION "580.126.09"
#define HEAD "1.0-58012609 (" VERSION ")\nNVIDIA Accelerated Graphics Driver\n"

static struct root root;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static size_t count_in(const char *text) {
    AUTO_INSTALLER_LOG struct installer_log log = {0};
    struct error err = {0};
    scratch_root_write(&root, INSTALLER_LOG, text);
    CU_ASSERT_EQUAL(installer_log_read(&root, VERSION, &log, &err), 0);
    return log.count;
}

static bool proves(const char *text, const char *path, const char *content) {
    AUTO_INSTALLER_LOG struct installer_log log = {0};
    AUTO_CLOSE int fd = -1;
    struct error err = {0};
    bool proved = false;
    scratch_root_write(&root, INSTALLER_LOG, text);
    scratch_root_write(&root, "/file", content);
    fd = open(scratch_root_host(&root, "/file"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(installer_log_read(&root, VERSION, &log, &err), 0);
    CU_ASSERT_EQUAL(installer_log_proves(&log, path, fd, "/file", &proved, &err), 0);
    return proved;
}

/* The catalogue's check value of CRC-32/MPEG-2: 0x0376e6e7 for "123456789". */
static void test_files(void) {
    static const char text[] =
        HEAD "1: /usr/bin/z\n58124007\n0: /usr/lib/libcuda.so\nlibcuda.so.1\n"
             "100: /usr/bin/old\n5 0100755 0 0\n1: /usr/bin/a\n7\n"
             "1: /usr/bin/empty\n0\n";
    CU_ASSERT_EQUAL(count_in(text), 3);
    CU_ASSERT(proves(text, "/usr/bin/z", "123456789"));
    CU_ASSERT_FALSE(proves(text, "/usr/bin/z", "123456780"));
    CU_ASSERT_FALSE(proves(text, "/usr/bin/a", "123456789"));
    CU_ASSERT_FALSE(proves(text, "/usr/bin/old", "123456789"));
    CU_ASSERT_FALSE(proves(text, "/usr/lib/libcuda.so", "123456789"));
    CU_ASSERT(proves(text, "/usr/bin/empty", ""));
}

static void test_other_versions(void) {
    CU_ASSERT_EQUAL(count_in("1.0-55016301 (550.163.01)\nx\n1: /usr/bin/a\n7\n"), 0);
    CU_ASSERT_EQUAL(count_in("1.0-15801269 (1" VERSION ")\nx\n1: /usr/bin/a\n7\n"), 0);
    CU_ASSERT_EQUAL(count_in(VERSION "\nx\n1: /usr/bin/a\n7\n"), 0);
    CU_ASSERT_EQUAL(count_in(""), 0);
}

static void test_bad_lines(void) {
    CU_ASSERT_EQUAL(count_in(HEAD "1: /usr/../etc/passwd\n7\n1: relative\n7\n1: /a\n-7\n1: /b\n\n"
                                  "1: /c\n4294967296\n1: /d\n7x\n1: /e"),
                    0);
    CU_ASSERT_EQUAL(count_in(HEAD "1: /a\n4294967295"), 1);
}

static void test_not_believed(void) {
    AUTO_INSTALLER_LOG struct installer_log log = {0};
    struct error err = {0};
    scratch_root_write(&root, INSTALLER_LOG, HEAD "1: /usr/bin/a\n7\n");
    scratch_root_run("chmod", "0666", scratch_root_host(&root, INSTALLER_LOG), NULL);
    CU_ASSERT_EQUAL(installer_log_read(&root, VERSION, &log, &err), 0);
    CU_ASSERT_EQUAL(log.count, 0);
    scratch_root_write_bytes(&root, INSTALLER_LOG, HEAD "1: /a\n7\n\0\n", sizeof HEAD + 9);
    CU_ASSERT_EQUAL(installer_log_read(&root, VERSION, &log, &err), 0);
    CU_ASSERT_EQUAL(log.count, 0);
    scratch_root_run("rm", scratch_root_host(&root, INSTALLER_LOG), NULL);
    CU_ASSERT_EQUAL(installer_log_read(&root, VERSION, &log, &err), 0);
    CU_ASSERT_EQUAL(log.count, 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"installed files and their CRC", test_files},
        {"a log of another version", test_other_versions},
        {"lines that can't be understood", test_bad_lines},
        {"a log that is not believed", test_not_believed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "installer_log",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
