#include "kmod/system/module_build_id.h"

#include <CUnit/Basic.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "test/unit/legacy_module.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define MODULE "/m.ko"
#define BUILD_ID "00112233445566778899aabbccddeeff00112233"

static struct root root;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* The build id, or "failed". The caller frees. */
static char *read_id(const char *path) {
    AUTO_CLOSE int fd = open(scratch_root_host(&root, path), O_RDONLY | O_CLOEXEC);
    struct error err = {0};
    char *build_id = NULL;
    return module_build_id_read(fd, path, &build_id, &err) ? strdup("failed") : build_id;
}

static bool reads(const char *path, const char *expected) {
    AUTO_FREE char *build_id = read_id(path);
    return build_id && !strcmp(build_id, expected);
}

static void test_module(void) {
    legacy_module_make(&root, MODULE, "1", BUILD_ID);
    CU_ASSERT(reads(MODULE, BUILD_ID));
    legacy_module_make(&root, "/none.ko", "1", NULL);
    CU_ASSERT(reads("/none.ko", ""));
}

/* A signature behind it, as a kernel's modules have. */
static void test_signed(void) {
    AUTO_BUFFER struct buffer module = {0};
    struct error err = {0};
    legacy_module_make(&root, MODULE, "1", BUILD_ID);
    CU_ASSERT_EQUAL_FATAL(file_read(&root, MODULE, 1 << 20, &module, &err), 0);
    CU_ASSERT_EQUAL_FATAL(buffer_append_string(&module, "~Module signature appended~\n"), 0);
    scratch_root_write_bytes(&root, "/signed.ko", module.data, module.size);
    CU_ASSERT(reads("/signed.ko", BUILD_ID));
}

static void test_others(void) {
    legacy_module_make(&root, MODULE, "1", BUILD_ID);
    scratch_root_run("xz", scratch_root_host(&root, MODULE), NULL);
    CU_ASSERT(reads(MODULE ".xz", ""));
    scratch_root_write(&root, "/empty.ko", "");
    CU_ASSERT(reads("/empty.ko", ""));
    scratch_root_write(&root, "/text.ko",
                       "not a module at all, but long enough to hold a header …");
    CU_ASSERT(reads("/text.ko", ""));
}

/* Cut anywhere it tells the build id or none, and never reads outside. */
static void test_truncated(void) {
    AUTO_BUFFER struct buffer module = {0};
    struct error err = {0};
    legacy_module_make(&root, MODULE, "1", BUILD_ID);
    CU_ASSERT_EQUAL_FATAL(file_read(&root, MODULE, 1 << 20, &module, &err), 0);
    for (size_t size = 0; size < module.size; size++) {
        scratch_root_write_bytes(&root, "/cut.ko", module.data, size);
        CU_ASSERT(reads("/cut.ko", "") || reads("/cut.ko", BUILD_ID));
    }
}

static void write_damaged(const struct buffer *module, size_t at, uint64_t value, size_t size) {
    memcpy(module->data + at, &value, size);
    scratch_root_write_bytes(&root, "/damaged.ko", module->data, module->size);
}

static void test_damaged_headers(void) {
    static const struct {
        size_t at, size;
    } fields[] = {
        {offsetof(Elf64_Ehdr, e_shoff), sizeof(uint64_t)},
        {offsetof(Elf64_Ehdr, e_shentsize), sizeof(uint16_t)},
        {offsetof(Elf64_Ehdr, e_shnum), sizeof(uint16_t)},
    };
    static const uint64_t values[] = {0, 1, UINT16_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    legacy_module_make(&root, MODULE, "1", BUILD_ID);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
            AUTO_BUFFER struct buffer module = {0};
            struct error err = {0};
            CU_ASSERT_EQUAL(file_read(&root, MODULE, 1 << 20, &module, &err), 0);
            write_damaged(&module, fields[i].at, values[j], fields[i].size);
            CU_ASSERT(reads("/damaged.ko", "") || reads("/damaged.ko", BUILD_ID));
        }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a module's", test_module},
        {"a signed module's", test_signed},
        {"compressed and other files have none", test_others},
        {"truncated anywhere", test_truncated},
        {"damaged headers", test_damaged_headers},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "module_build_id",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
