#include "kmod/lifecycle/legacy_residents.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "kmod/lifecycle/resident.h"
#include "test/unit/legacy_module.h"
#include "test/unit/scratch_root.h"

#define VERSION "580.126.09"
#define BUILD_ID "00112233445566778899aabbccddeeff00112233"
#define CUSTOMERS "ffeeddccbbaa99887766554433221100ffeeddcc"
#define MODULE "/lib/modules/6.1.0-test/updates/dkms/nvidia.ko"

static struct root root;
static struct legacy_paths paths;
static struct legacy_residents residents;

/* A tree that stands for the running system's own. */
static void set_up(void) {
    scratch_root_make(&root);
    root.is_host = true;
}

static void tear_down(void) {
    legacy_paths_release(&paths);
    legacy_residents_release(&residents);
    scratch_root_remove(&root);
}

static void put_file(const char *path) {
    struct legacy_path *item = legacy_paths_add(&paths, LEGACY_MODULE, path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(item);
    item->ours = true;
}

static int read_again(void) {
    struct error err = {0};
    legacy_residents_release(&residents);
    return legacy_residents_read(&root, &paths, &residents, &err);
}

/* As the kernel shows it: one note, 20 bytes of build id. */
static void load(const char *build_id) {
    unsigned char note[36] = {4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
    for (size_t i = 0; i < 20; i++) {
        unsigned byte = 0;
        CU_ASSERT_EQUAL(sscanf(build_id + 2 * i, "%2x", &byte), 1);
        note[16 + i] = (unsigned char)byte;
    }
    scratch_root_write(&root, "/proc/modules", "nvidia 4096 0 - Live 0x0\n");
    scratch_root_dir(&root, "/sys/module/nvidia/holders");
    scratch_root_write(&root, "/sys/module/nvidia/version", VERSION "\n");
    scratch_root_write_bytes(&root, "/sys/module/nvidia/notes/.note.gnu.build-id", note,
                             sizeof note);
}

static bool any(void) {
    return legacy_residents_any(&root, VERSION, &residents);
}

static void test_known_by_build_id(void) {
    legacy_module_make(&root, MODULE, VERSION, BUILD_ID);
    put_file(MODULE);
    CU_ASSERT_EQUAL(read_again(), 0);
    CU_ASSERT_FALSE(any());
    load(BUILD_ID);
    CU_ASSERT(any());
    /* A customer's build of the same name and version. */
    load(CUSTOMERS);
    CU_ASSERT_FALSE(any());
}

/* When the file is gone the record still tells. */
static void test_record(void) {
    struct error err = {0};
    legacy_module_make(&root, MODULE, VERSION, BUILD_ID);
    put_file(MODULE);
    load(BUILD_ID);
    scratch_root_dir(&root, STATE_FOLDER);
    CU_ASSERT_EQUAL(read_again(), 0);
    CU_ASSERT_EQUAL(legacy_residents_write(&root, &residents, &err), 0);
    legacy_paths_release(&paths);
    CU_ASSERT_EQUAL(read_again(), 0);
    CU_ASSERT(any());
    CU_ASSERT_EQUAL(residents.known.module_count, 1);
    load(CUSTOMERS);
    CU_ASSERT_FALSE(any());
}

/* A compressed file tells no build id: name and version are all there is, and nothing is unloaded.
 */
static void test_compressed(void) {
    legacy_module_make(&root, MODULE, VERSION, BUILD_ID);
    scratch_root_run("xz", "--check=crc32", scratch_root_host(&root, MODULE), NULL);
    put_file(MODULE ".xz");
    CU_ASSERT_EQUAL(read_again(), 0);
    CU_ASSERT_EQUAL(residents.nameless.count, 1);
    CU_ASSERT_EQUAL(residents.known.module_count, 0);
    CU_ASSERT_FALSE(any());
    load(BUILD_ID);
    CU_ASSERT(any());
    scratch_root_write(&root, "/sys/module/nvidia/version", "550.163.01\n");
    CU_ASSERT_FALSE(any());
    scratch_root_write(&root, "/sys/module/nvidia/version", VERSION "1\n");
    CU_ASSERT_FALSE(any());
}

static void test_other_trees(void) {
    legacy_module_make(&root, MODULE, VERSION, BUILD_ID);
    put_file(MODULE);
    load(BUILD_ID);
    root.is_host = false;
    CU_ASSERT_EQUAL(read_again(), 0);
    CU_ASSERT_FALSE(any());
}

static void test_hostile_record(void) {
    scratch_root_write(&root, LEGACY_RESIDENTS_RECORD, "../../x=\n");
    CU_ASSERT_EQUAL(read_again(), -EBADMSG);
    scratch_root_write(&root, LEGACY_RESIDENTS_RECORD, "no line\n");
    CU_ASSERT_EQUAL(read_again(), -EBADMSG);
    scratch_root_write(&root, LEGACY_RESIDENTS_RECORD, "nvidia=\n");
    scratch_root_run("chmod", "0666", scratch_root_host(&root, LEGACY_RESIDENTS_RECORD), NULL);
    CU_ASSERT_EQUAL(read_again(), -EPERM);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"known by their build id", test_known_by_build_id},
        {"the record of an earlier run", test_record},
        {"compressed modules", test_compressed},
        {"another tree than the running system's", test_other_trees},
        {"a record that is not believed", test_hostile_record},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "legacy_residents",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() || CU_register_suites(suites))
        return 99;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    bool failed = CU_get_number_of_failures() > 0 || CU_get_error() != CUE_SUCCESS;
    CU_cleanup_registry();
    return failed;
}
