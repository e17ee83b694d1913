/* Kernel headers from a directory, and from the real packages. */
#include "toolchain/headers_source.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_archive.h"
#include "test/unit/scratch_root.h"

#define KERNEL "6.1.0-47-cloud-amd64"
#define NEWER "6.1.0-56-cloud-amd64"

/* The caller frees. */
static char *package(const char *release) {
    AUTO_FREE char *pattern = NULL;
    char *path = NULL;
    if (asprintf(&pattern, "linux-headers-%s_*", release) >= 0)
        path = strdup(scratch_archive_package(pattern));
    if (!path)
        exit(99);
    return path;
}

static int read_spec(const char *spec, const char *release, struct kernel_headers *headers,
                     struct error *err) {
    *err = (struct error){0};
    return headers_source_read(spec, release, headers, err);
}

static void test_same_from_both(void) {
    AUTO_KERNEL_HEADERS struct kernel_headers folder = {0}, packed = {0};
    AUTO_FREE char *deb = package(KERNEL);
    struct error err;
    CU_ASSERT_EQUAL_FATAL(read_spec("/usr/src/linux-headers-" KERNEL, NULL, &folder, &err), 0);
    CU_ASSERT_EQUAL_FATAL(read_spec(deb, NULL, &packed, &err), 0);
    CU_ASSERT_STRING_EQUAL(folder.release, KERNEL);
    CU_ASSERT_STRING_EQUAL(packed.release, KERNEL);
    CU_ASSERT_STRING_EQUAL(folder.vermagic, packed.vermagic);
    CU_ASSERT_STRING_EQUAL(buffer_string(&folder.symvers), buffer_string(&packed.symvers));
    CU_ASSERT_STRING_EQUAL(folder.shown_dir, "/usr/src/linux-headers-" KERNEL);
    CU_ASSERT_PTR_NOT_NULL(strstr(packed.shown_dir, ".deb:/usr/src/linux-headers-" KERNEL));
}

static void test_several_packages(void) {
    AUTO_FREE char *pair = NULL, *two = NULL;
    AUTO_KERNEL_HEADERS struct kernel_headers first = {0}, second = {0}, third = {0};
    struct error err;
    AUTO_FREE char *common = package("6.1.0-47-common"), *kernel = package(KERNEL);
    AUTO_FREE char *newer = package(NEWER);
    if (asprintf(&pair, "%s,%s", common, kernel) < 0 || asprintf(&two, "%s,%s", kernel, newer) < 0)
        exit(99);
    CU_ASSERT_EQUAL(read_spec(pair, NULL, &first, &err), 0);
    CU_ASSERT_EQUAL(read_spec(two, NEWER, &second, &err), 0);
    CU_ASSERT_STRING_EQUAL(second.release, NEWER);
    CU_ASSERT_TRUE(read_spec(two, NULL, &third, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_TRUE(read_spec(common, NULL, &third, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_HEADERS);
}

static void test_refused(void) {
    struct root root = ROOT_INIT;
    struct kernel_headers headers;
    struct error err;
    scratch_root_make(&root);
    scratch_root_write(&root, "/text", "text");
    CU_ASSERT_TRUE(read_spec(scratch_root_host(&root, "/text"), NULL, &headers, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_TRUE(read_spec(scratch_root_host(&root, "/nowhere"), NULL, &headers, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_TRUE(read_spec(root.path, NULL, &headers, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_HEADERS);
    CU_ASSERT_TRUE(read_spec("/usr/src/linux-headers-" KERNEL, NEWER, &headers, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, NEWER));
    scratch_root_remove(&root);
}

static CU_TestInfo tests[] = {
    {"a directory and its package say the same", test_same_from_both},
    {"several packages", test_several_packages},
    {"neither", test_refused},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "headers source", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
