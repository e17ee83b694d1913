#include "kmod/lifecycle/activate.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/park.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/layout_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct error err;
static char *unbaked, *active;

static void begin(bool elsewhere) {
    err = (struct error){0};
    layout_fixture_make(&root);
    if (elsewhere)
        layout_fixture_mount_state(&root);
    unbaked = layout_fixture_snapshot(&root);
    layout_fixture_bake(&root);
    active = layout_fixture_snapshot(&root);
}

static void set_up(void) {
    begin(false);
}

static void tear_down(void) {
    free(unbaked);
    free(active);
    layout_fixture_remove(&root);
}

static int park(void) {
    const struct park_options options = {.lock_wait = 0};
    struct park_result result;
    err = (struct error){0};
    return park_run(&root, &options, &result, &err);
}

static int activate(void) {
    const struct activate_options options = {.lock_wait = 0};
    struct activate_result result;
    err = (struct error){0};
    return activate_run(&root, &options, &result, &err);
}

static void expect_state(const char *expected, enum state_word word) {
    AUTO_FREE char *now = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(now, expected);
    CU_ASSERT_EQUAL(layout_fixture_word(&root), word);
    CU_ASSERT_EQUAL(small_kernel_resolves(&root, "ours"), word == STATE_ACTIVE);
}

static void expect_parked(void) {
    expect_state(unbaked, STATE_PARKED);
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, "/usr"));
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, PARKED_STORE));
}

static void expect_active(void) {
    expect_state(active, STATE_ACTIVE);
    CU_ASSERT_FALSE(root_exists(&root, PARKED_STORE));
}

static void test_active_already(void) {
    const struct activate_options options = {.lock_wait = 0};
    struct activate_result result;
    CU_ASSERT_EQUAL(activate_run(&root, &options, &result, &err), 0);
    CU_ASSERT_FALSE(result.acted || result.loaded);
    CU_ASSERT_EQUAL(park(), 0);
    CU_ASSERT_EQUAL(activate_run(&root, &options, &result, &err), 0);
    CU_ASSERT_TRUE(result.acted);
    expect_active();
}

/* Nothing was changed: parked it is, and parked it stays. */
static void expect_refused(enum error_kind kind, const char *named) {
    AUTO_FREE char *before = layout_fixture_snapshot(&root);
    CU_ASSERT_TRUE(activate() < 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, named));
    AUTO_FREE char *after = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_EQUAL(layout_fixture_word(&root), STATE_PARKED);
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "ours"));
}

static void test_no_bake(void) {
    scratch_root_run("rm", "-r", scratch_root_host(&root, STATE_FOLDER), NULL);
    CU_ASSERT_TRUE(activate() < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER));
}

static void test_taken_places(void) {
    static const char *const paths[] = {BAKED_MODULE, BAKED_SETUID, BAKED_BUILT, BAKED_COMPAT};
    CU_ASSERT_EQUAL(park(), 0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        scratch_root_write(&root, paths[i], "somebody else's");
        expect_refused(ERROR_REFUSED, paths[i]);
        CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, paths[i])), 0);
    }
    scratch_root_link(&root, BAKED_SETUID, "/nowhere");
    expect_refused(ERROR_REFUSED, BAKED_SETUID);
}

static void test_damaged(void) {
    CU_ASSERT_EQUAL(park(), 0);
    CU_ASSERT_EQUAL(truncate(scratch_root_host(&root, BAKED_KEPT(BAKED_MODULE)), 0), 0);
    expect_refused(ERROR_DAMAGED, BAKED_MODULE);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_KEPT(BAKED_MODULE))), 0);
    expect_refused(ERROR_DAMAGED, BAKED_MODULE);
}

static void test_the_kernel_is_gone(void) {
    CU_ASSERT_EQUAL(park(), 0);
    scratch_root_run("rm", "-r", scratch_root_host(&root, SMALL_KERNEL_DIR), NULL);
    expect_refused(ERROR_MISMATCH, SMALL_KERNEL);
}

static void test_other_symbols(void) {
    struct layout_records records;
    layout_fixture_read(&root, &records);
    free(records.facts.symvers_sha256);
    records.facts.symvers_sha256 = strdup(records.facts.manifest.sha256);
    layout_fixture_write(&root, &records);
    layout_fixture_release(&records);
    CU_ASSERT_EQUAL(park(), 0);
    scratch_root_write(&root, "/usr/src/nowhere/Module.symvers", "others");
    expect_refused(ERROR_MISMATCH, "Module.symvers");
}

/* Only of the running system; said before anything is done. */
static void test_loading_in_another_root(void) {
    const struct activate_options options = {.load = true};
    struct activate_result result;
    CU_ASSERT_EQUAL(park(), 0);
    CU_ASSERT_EQUAL(activate_run(&root, &options, &result, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    expect_parked();
}

static void move(const char *from, const char *to) {
    scratch_root_run("mv", scratch_root_host(&root, from), scratch_root_host(&root, to), NULL);
}

static void test_killed_while_placing(void) {
    CU_ASSERT_EQUAL(park(), 0);
    layout_fixture_set_word(&root, STATE_ACTIVATING);
    move(BAKED_KEPT(BAKED_LINK), BAKED_LINK);
    scratch_root_write(&root, "/usr/bin/.ours-ping.prebake-move", "half a copy");
    CU_ASSERT_EQUAL(activate(), 0);
    expect_active();
}

/* What was damaged meanwhile is not taken for what was parked. */
static void test_damaged_after_a_killed_run(void) {
    CU_ASSERT_EQUAL(park(), 0);
    layout_fixture_set_word(&root, STATE_ACTIVATING);
    CU_ASSERT_EQUAL(truncate(scratch_root_host(&root, BAKED_KEPT(BAKED_MODULE)), 0), 0);
    CU_ASSERT_TRUE(activate() < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    expect_parked();
    expect_refused(ERROR_DAMAGED, BAKED_MODULE);
}

/* Parking was killed at its beginning, with the state still active: nothing of it may get lost. */
static void test_instead_of_a_killed_parking(void) {
    scratch_root_dir(&root, BAKED_KEPT(BAKED_MODULES));
    scratch_root_dir(&root, BAKED_KEPT("/opt"));
    move(BAKED_COMPAT, BAKED_KEPT(BAKED_COMPAT));
    move(BAKED_MODULE, BAKED_KEPT(BAKED_MODULE));
    CU_ASSERT_EQUAL(activate(), 0);
    expect_active();
}

/* What modprobe prefers: found when all is in its place, which then goes back. */
static void test_somebody_elses_module_is_preferred(void) {
    CU_ASSERT_EQUAL(park(), 0);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/extra/ours.ko", NULL, NULL, NULL);
    scratch_root_write(&root, "/etc/depmod.d/theirs.conf", "override ours * extra\n");
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(activate(), -EEXIST);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/extra/ours.ko"));
        CU_ASSERT_EQUAL(layout_fixture_word(&root), STATE_PARKED);
        CU_ASSERT_FALSE(root_exists(&root, BAKED_MODULE) || root_exists(&root, BAKED_COMPAT));
        CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, "/usr"));
        CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
    }
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, SMALL_KERNEL_DIR "/extra/ours.ko")), 0);
    CU_ASSERT_EQUAL(activate(), 0);
    CU_ASSERT_EQUAL(layout_fixture_word(&root), STATE_ACTIVE);
}

static void run_depmod(void) {
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
}

/* depmod does as it is told, and modprobe finds none. */
static void test_excluded_modules(void) {
    CU_ASSERT_EQUAL(park(), 0);
    scratch_root_write(&root, "/etc/depmod.d/theirs.conf", "exclude updates\n");
    run_depmod();
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(activate(), -ENOENT);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, SMALL_KERNEL));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "depmod.d"));
        CU_ASSERT_EQUAL(layout_fixture_word(&root), STATE_PARKED);
        CU_ASSERT_FALSE(root_exists(&root, BAKED_MODULE) || root_exists(&root, BAKED_COMPAT));
    }
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, "/etc/depmod.d/theirs.conf")), 0);
    run_depmod();
    CU_ASSERT_EQUAL(activate(), 0);
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "ours"));
}

static void test_park_instead_of_a_killed_activation(void) {
    CU_ASSERT_EQUAL(park(), 0);
    layout_fixture_set_word(&root, STATE_ACTIVATING);
    move(BAKED_KEPT(BAKED_LINK), BAKED_LINK);
    scratch_root_write(&root, "/usr/bin/.ours-ping.prebake-move", "half a copy");
    CU_ASSERT_EQUAL(park(), 0);
    expect_parked();
}

int main(void) {
    CU_TestInfo tests[] = {
        {"active already", test_active_already},
        {"no bake", test_no_bake},
        {"taken places", test_taken_places},
        {"damaged", test_damaged},
        {"the kernel is gone", test_the_kernel_is_gone},
        {"other symbols", test_other_symbols},
        {"loading in another root", test_loading_in_another_root},
        {"killed while placing", test_killed_while_placing},
        {"damaged after a killed run", test_damaged_after_a_killed_run},
        {"instead of a killed parking", test_instead_of_a_killed_parking},
        {"somebody else's module is preferred", test_somebody_elses_module_is_preferred},
        {"excluded modules", test_excluded_modules},
        {"park instead of a killed activation", test_park_instead_of_a_killed_activation},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "activate", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
