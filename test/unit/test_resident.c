#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/lifecycle/resident.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/*
 * A tree that stands for the running system. Nothing in here may come so far as to be unloaded:
 * that would be asked of the real kernel. Unloading itself is tested with loaded_modules, and in a
 * virtual machine.
 */
static struct root root = ROOT_INIT;
static struct known_modules modules;
static struct error err;

#define OURS "6f757273"       /* "ours" */
#define NAME "prebake_test_x" /* of no real module */

static void know(const char *build_id) {
    AUTO_FACTS struct facts facts = {0};
    struct facts_module *module = facts_add_module(&facts);
    module->name = strdup(NAME);
    module->build_id = strdup(build_id);
    known_modules_release(&modules);
    modules.version = "1.0";
    CU_ASSERT_EQUAL(known_modules_add_facts(&modules, &facts, &err), 0);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    root.is_host = true;
    know(OURS);
}

static void tear_down(void) {
    known_modules_release(&modules);
    root.is_host = false;
    scratch_root_remove(&root);
}

static void load(const char *references, const char *id) {
    char line[128];
    snprintf(line, sizeof line, NAME " 100 %s - Live 0x0\n", references);
    scratch_root_write(&root, "/proc/modules", line);
    struct {
        uint32_t sizes[3];
        char name[4];
        char id[4];
    } note = {.sizes = {4, 4, 3}, .name = "GNU"};
    if (!id)
        return;
    memcpy(note.id, id, sizeof note.id);
    scratch_root_write_bytes(&root, "/sys/module/" NAME "/notes/.note.gnu.build-id", &note,
                             sizeof note);
}

static void expect_busy(int rc, const char *sentence) {
    CU_ASSERT_EQUAL(rc, -EBUSY);
    CU_ASSERT_EQUAL(err.kind, ERROR_BUSY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, sentence));
}

static void expect_nothing_to_do(void) {
    CU_ASSERT_FALSE(resident_any(&root, &modules));
    CU_ASSERT_EQUAL(resident_peek(&root, &modules, &err), 0);
    CU_ASSERT_EQUAL(resident_unload(&root, &modules, &err), 0);
}

static void test_no_module_support(void) {
    expect_nothing_to_do();
}

static void test_another_tree_has_nothing_loaded(void) {
    load("1", "ours");
    root.is_host = false;
    expect_nothing_to_do();
}

static void test_a_customers_build(void) {
    load("1", "them");
    expect_nothing_to_do();
}

static void test_ours_idle(void) {
    load("0", "ours");
    CU_ASSERT_TRUE(resident_any(&root, &modules));
    CU_ASSERT_EQUAL(resident_peek(&root, &modules, &err), 0);
}

static void test_ours_in_use(void) {
    load("1", "ours");
    CU_ASSERT_TRUE(resident_any(&root, &modules));
    expect_busy(resident_peek(&root, &modules, &err), NAME " (in use)");
}

/* /proc is there and /sys is not, as in many a chroot: a name alone proves neither. */
static void test_no_build_id_is_told(void) {
    load("0", NULL);
    CU_ASSERT_TRUE(resident_any(&root, &modules));
    expect_busy(resident_peek(&root, &modules, &err), NAME " (no build id tells");
    expect_busy(resident_unload(&root, &modules, &err), NAME " (no build id tells");
}

static void test_no_build_id_is_told_and_nothing_of_that_name(void) {
    scratch_root_write(&root, "/proc/modules", "ext4 100 3 - Live 0x0\n");
    expect_nothing_to_do();
}

/* Ours was built without one: the version is all there is. */
static void test_ours_has_no_build_id(void) {
    know("");
    load("0", "them");
    scratch_root_write(&root, "/sys/module/" NAME "/version", "1.0\n");
    CU_ASSERT_TRUE(resident_any(&root, &modules));
    expect_busy(resident_peek(&root, &modules, &err), NAME " (no build id tells");
    expect_busy(resident_unload(&root, &modules, &err), NAME " (no build id tells");
    scratch_root_write(&root, "/sys/module/" NAME "/version", "1.01\n");
    expect_nothing_to_do();
    scratch_root_write(&root, "/sys/module/" NAME "/version", "1.");
    expect_nothing_to_do();
}

static void test_what_cannot_be_read_is_not_gone(void) {
    scratch_root_write(&root, "/proc/modules", "no module\n");
    CU_ASSERT_TRUE(resident_any(&root, &modules));
    CU_ASSERT_EQUAL(resident_peek(&root, &modules, &err), -EBADMSG);
    CU_ASSERT_EQUAL(resident_unload(&root, &modules, &err), -EBADMSG);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no module support", test_no_module_support},
        {"another tree has nothing loaded", test_another_tree_has_nothing_loaded},
        {"a customer's build", test_a_customers_build},
        {"ours, idle", test_ours_idle},
        {"ours, in use", test_ours_in_use},
        {"no build id is told", test_no_build_id_is_told},
        {"none is told and nothing of that name",
         test_no_build_id_is_told_and_nothing_of_that_name},
        {"ours has no build id", test_ours_has_no_build_id},
        {"what can't be read is not gone", test_what_cannot_be_read_is_not_gone},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "resident modules",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
