#include "builder/userspace_version.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define VERSION "535.261.03"
#define OTHER "550.163.01"
#define ELF "\177ELF...."

static struct root top;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&top);
}

static void tear_down(void) {
    scratch_root_remove(&top);
}

static int check_with(const char *path, const char *content) {
    AUTO_USERSPACE struct userspace userspace = USERSPACE_INIT;
    scratch_root_write(&top, path, content);
    CU_ASSERT_EQUAL(userspace_read(top.path, &userspace, &err), 0);
    int rc = userspace_version_check(&userspace, VERSION, &err);
    unlink(scratch_root_host(&top, path));
    return rc;
}

static void refused(const char *path, const char *content, const char *found) {
    CU_ASSERT_EQUAL(check_with(path, content), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, found));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, VERSION));
}

static void test_names(void) {
    CU_ASSERT_EQUAL(check_with("/usr/lib/libcuda.so." VERSION, ELF OTHER), 0);
    CU_ASSERT_EQUAL(check_with("/usr/lib/libnvidia-egl-gbm.so.1.1.0", "x"), 0);
    CU_ASSERT_EQUAL(check_with("/usr/lib/libGLX.so.0", "x"), 0);
    refused("/usr/lib/libcuda.so." OTHER, "x", OTHER);
    refused("/usr/lib/libcuda.so.535.261", "x", "535.261,");
}

static void test_firmware(void) {
    CU_ASSERT_EQUAL(check_with("/lib/firmware/nvidia/" VERSION "/gsp.bin", "x"), 0);
    CU_ASSERT_EQUAL(check_with("/lib/firmware/nvidia/ga102/gsp.bin", "x"), 0);
    refused("/lib/firmware/nvidia/" OTHER "/gsp.bin", "x", OTHER);
}

static void test_programs(void) {
    CU_ASSERT_EQUAL(check_with("/usr/bin/nvidia-smi", ELF "450.80.02 " VERSION), 0);
    CU_ASSERT_EQUAL(check_with("/usr/bin/nvidia-smi", ELF "none"), 0);
    CU_ASSERT_EQUAL(check_with("/usr/bin/nvidia-smi", "#!/bin/sh " OTHER), 0);
    CU_ASSERT_EQUAL(check_with("/usr/bin/other", ELF OTHER), 0);
    refused("/usr/bin/nvidia-smi", ELF OTHER, OTHER);
    refused("/usr/lib/libnvidia-x.so", ELF OTHER, OTHER);
}

static void test_modprobe_by_its_first_number(void) {
    CU_ASSERT_EQUAL(check_with("/usr/bin/nvidia-modprobe", ELF "535.161.07"), 0);
    refused("/usr/bin/nvidia-modprobe", ELF "550.161.07", "550.161.07");
    refused("/usr/bin/nvidia-smi", ELF "535.161.07", "535.161.07");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"names", test_names},       {"firmware", test_firmware},
        {"programs", test_programs}, {"nvidia-modprobe", test_modprobe_by_its_first_number},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "userspace_version",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
