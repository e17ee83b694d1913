#include "kmod/lifecycle/known_modules.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "kmod/lifecycle/resident.h"
#include "test/unit/legacy_module.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define VERSION "580.126.09"
#define BUILD_ID "00112233445566778899aabbccddeeff00112233"
#define CUSTOMERS "ffeeddccbbaa99887766554433221100ffeeddcc"
#define MODULE "/lib/modules/6.1.0-test/updates/dkms/nvidia.ko"

static struct root root;
static struct known_modules modules;
static struct error err;

/* A tree that stands for the running system's own. */
static void set_up(void) {
    scratch_root_make(&root);
    root.is_host = true;
}

static void tear_down(void) {
    known_modules_release(&modules);
    root.is_host = false;
    scratch_root_remove(&root);
}

/* Makes the module's file and looks at it. */
static void know_file(const char *build_id) {
    legacy_module_make(&root, MODULE, VERSION, build_id);
    modules.version = VERSION;
    CU_ASSERT_EQUAL(known_modules_add_file(&modules, &root, MODULE, &err), 0);
}

/* What the next run knows: only what was recorded. */
static int read_again(void) {
    err = (struct error){0};
    known_modules_release(&modules);
    modules.version = VERSION;
    return known_modules_read_record(&modules, &root, &err);
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
    return resident_any(&root, &modules);
}

static void test_known_by_build_id(void) {
    know_file(BUILD_ID);
    CU_ASSERT_FALSE(any());
    load(BUILD_ID);
    CU_ASSERT(any());
    /* A customer's build of the same name and version. */
    load(CUSTOMERS);
    CU_ASSERT_FALSE(any());
}

/* When the file is gone the record still tells. */
static void test_record(void) {
    know_file(BUILD_ID);
    load(BUILD_ID);
    scratch_root_dir(&root, STATE_FOLDER);
    CU_ASSERT_EQUAL(known_modules_write_record(&modules, &root, &err), 0);
    CU_ASSERT_EQUAL(read_again(), 0);
    CU_ASSERT_EQUAL(modules.count, 1);
    CU_ASSERT(any());
    load(CUSTOMERS);
    CU_ASSERT_FALSE(any());
}

/* The same module from the facts, a file and the record is one; only the facts last. */
static void test_facts_need_no_record(void) {
    AUTO_FACTS struct facts facts = {0};
    struct facts_module *module = facts_add_module(&facts);
    module->name = strdup("nvidia");
    module->build_id = strdup(BUILD_ID);
    CU_ASSERT_EQUAL(known_modules_add_facts(&modules, &facts, &err), 0);
    know_file(BUILD_ID);
    CU_ASSERT_EQUAL(modules.count, 1);
    CU_ASSERT_EQUAL(known_modules_write_record(&modules, &root, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, KNOWN_MODULES_RECORD));
}

/* A compressed file tells no build id: name and version are all there is. */
static void test_compressed(void) {
    legacy_module_make(&root, MODULE, VERSION, BUILD_ID);
    scratch_root_run("xz", "--check=crc32", scratch_root_host(&root, MODULE), NULL);
    modules.version = VERSION;
    CU_ASSERT_EQUAL(known_modules_add_file(&modules, &root, MODULE ".xz", &err), 0);
    CU_ASSERT_EQUAL_FATAL(modules.count, 1);
    CU_ASSERT_STRING_EQUAL(modules.items[0].name, "nvidia");
    CU_ASSERT_STRING_EQUAL(modules.items[0].build_id, "");
    CU_ASSERT_FALSE(any());
    load(BUILD_ID);
    CU_ASSERT(any());
    scratch_root_write(&root, "/sys/module/nvidia/version", "550.163.01\n");
    CU_ASSERT_FALSE(any());
}

static void test_no_record(void) {
    CU_ASSERT_EQUAL(read_again(), 0);
    CU_ASSERT_EQUAL(modules.count, 0);
}

static void test_hostile_record(void) {
    scratch_root_write(&root, KNOWN_MODULES_RECORD, "../../x=\n");
    CU_ASSERT_EQUAL(read_again(), -EBADMSG);
    scratch_root_write(&root, KNOWN_MODULES_RECORD, "no line\n");
    CU_ASSERT_EQUAL(read_again(), -EBADMSG);
    scratch_root_write(&root, KNOWN_MODULES_RECORD, "nvidia=\n");
    scratch_root_run("chmod", "0666", scratch_root_host(&root, KNOWN_MODULES_RECORD), NULL);
    CU_ASSERT_EQUAL(read_again(), -EPERM);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"known by their build id", test_known_by_build_id},
        {"the record of an earlier run", test_record},
        {"compressed modules", test_compressed},
        {"facts need no record", test_facts_need_no_record},
        {"no record", test_no_record},
        {"a record that is not believed", test_hostile_record},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "known modules",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
