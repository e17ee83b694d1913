#include "kmod/system/version_proof.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/mman.h>

#include "test/unit/run_suites.h"

#define VERSION "535.261.03"
#define LENGTH (sizeof VERSION - 1)

/* Whether a file with these bytes at `offset`, zeros before and behind, proves the version. */
static bool proves_at(const char *bytes, off_t offset, off_t size) {
    AUTO_CLOSE int fd = memfd_create("proof", MFD_CLOEXEC);
    struct error err = {0};
    bool found = false;
    CU_ASSERT_EQUAL_FATAL(ftruncate(fd, size), 0);
    CU_ASSERT_EQUAL_FATAL(pwrite(fd, bytes, strlen(bytes), offset), (ssize_t)strlen(bytes));
    CU_ASSERT_EQUAL(version_proof_in_file(fd, "proof", VERSION, &found, &err), 0);
    return found;
}

static bool proves(const char *bytes) {
    return proves_at(bytes, 0, (off_t)strlen(bytes));
}

static void test_whole_number(void) {
    CU_ASSERT(proves(VERSION));
    CU_ASSERT(proves("NVIDIA UNIX x86_64 Kernel Module  " VERSION "  Thu"));
    CU_ASSERT(proves("libcuda.so." VERSION));
    CU_ASSERT(proves("nvidia id: NVIDIA " VERSION "."));
    CU_ASSERT(proves("v" VERSION "-grid"));
    CU_ASSERT(proves("1" VERSION " and " VERSION));
}

static void test_part_of_another(void) {
    CU_ASSERT_FALSE(proves("1" VERSION));
    CU_ASSERT_FALSE(proves("1." VERSION));
    CU_ASSERT_FALSE(proves(VERSION "1"));
    CU_ASSERT_FALSE(proves(VERSION ".1"));
    CU_ASSERT_FALSE(proves("535.261.0"));
    CU_ASSERT_FALSE(proves("535x261y03"));
    CU_ASSERT_FALSE(proves(""));
}

/* Wherever it lies to the blocks that are read, and what stands beside it. */
static void test_every_position(void) {
    const off_t block = 64 * 1024, size = 3 * block;
    for (off_t offset = block - 40; offset < block + 40; offset++) {
        CU_ASSERT(proves_at(VERSION, offset, size));
        CU_ASSERT_FALSE(proves_at("7" VERSION, offset, size));
        CU_ASSERT_FALSE(proves_at("7." VERSION, offset, size));
        CU_ASSERT_FALSE(proves_at(VERSION "7", offset, size));
        CU_ASSERT_FALSE(proves_at(VERSION ".7", offset, size));
    }
    CU_ASSERT(proves_at(VERSION, size - (off_t)LENGTH, size));
    CU_ASSERT(proves_at(VERSION, size - (off_t)LENGTH - 1, size));
}

static void test_too_large(void) {
    CU_ASSERT_FALSE(proves_at(VERSION, 0, VERSION_PROOF_SIZE_MAX + 1));
}

static void test_failed_read(void) {
    AUTO_CLOSE int pipe_end = -1;
    struct error err = {0};
    bool found = true;
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    close(ends[1]);
    pipe_end = ends[0];
    CU_ASSERT_EQUAL(version_proof_in_file(pipe_end, "a pipe", VERSION, &found, &err), -ESPIPE);
    CU_ASSERT_FALSE(found);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a pipe"));
}

static void test_usable(void) {
    CU_ASSERT(version_proof_usable("535.261.03"));
    CU_ASSERT(version_proof_usable("390.157"));
    static const char *const useless[] = {"",         "1.0",      "53.261.03", "535",        "535.",
                                          "535..261", ".535.261", "535.261.x", "535.261.03 "};
    for (size_t i = 0; i < ARRAY_SIZE(useless); i++)
        CU_ASSERT_FALSE(version_proof_usable(useless[i]));
}

static void test_name(void) {
    CU_ASSERT(version_proof_in_name("libcuda.so." VERSION, VERSION));
    CU_ASSERT_FALSE(version_proof_in_name("libcuda.so.1" VERSION, VERSION));
    CU_ASSERT_FALSE(version_proof_in_name("libcuda.so." VERSION ".1", VERSION));
    CU_ASSERT_FALSE(version_proof_in_name("." VERSION, VERSION));
    CU_ASSERT_FALSE(version_proof_in_name(VERSION, VERSION));
    CU_ASSERT_FALSE(version_proof_in_name("libEGL.so.1.1.0", VERSION));
}

static bool finds(const char *bytes, off_t offset, off_t size, const char *expected) {
    AUTO_CLOSE int fd = memfd_create("proof", MFD_CLOEXEC);
    struct error err = {0};
    char found[VERSION_PROOF_TEXT_SIZE];
    CU_ASSERT_EQUAL_FATAL(ftruncate(fd, size), 0);
    CU_ASSERT_EQUAL_FATAL(pwrite(fd, bytes, strlen(bytes), offset), (ssize_t)strlen(bytes));
    CU_ASSERT_EQUAL(version_proof_find(fd, "proof", found, &err), 0);
    return !strcmp(found, expected);
}

static void test_finding_one(void) {
    CU_ASSERT(finds("x " VERSION " 550.163.01", 0, 100, VERSION));
    CU_ASSERT(finds("470.82.01", 0, 9, "470.82.01"));
    CU_ASSERT(finds("127.0.0.1 535.261 1.2.3 535.261.3 1535.261.03 535.261.03.1", 0, 100, ""));
    CU_ASSERT(finds("", 0, 0, ""));
    /* Wherever a window ends. */
    for (off_t offset = 65536 - 30; offset < 65536 + 10; offset++)
        CU_ASSERT(finds(VERSION, offset, 200000, VERSION));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a version as a number of its own", test_whole_number},
        {"a part of another number", test_part_of_another},
        {"at every position", test_every_position},
        {"a file too large to search", test_too_large},
        {"a read that fails", test_failed_read},
        {"versions that prove anything", test_usable},
        {"file names", test_name},
        {"finding one", test_finding_one},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "version_proof", .pTests = tests}, CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
