#include "kmod/lifecycle/node_marker.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define LEGACY "/opt/dkms-marker"
#define OWN_TEXT "format=1\nkernel=6.1\ndriver_version=1.0\ndriver_kind=grid\narch=x86_64\n"

static struct root root = ROOT_INIT;
static struct node_marker marker;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    marker = (struct node_marker){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    node_marker_release(&marker);
    scratch_root_remove(&root);
}

static void make_folder(mode_t mode) {
    scratch_root_dir(&root, STATE_FOLDER);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER), mode), 0);
}

static void check_found(const char *legacy_path, bool present, bool legacy, const char *kind) {
    node_marker_release(&marker);
    CU_ASSERT_EQUAL(node_marker_find(&root, legacy_path, &marker, &err), 0);
    CU_ASSERT_EQUAL(marker.present, present);
    CU_ASSERT_EQUAL(marker.legacy, legacy);
    CU_ASSERT_STRING_EQUAL(node_marker_kind(&marker), kind);
}

static void check_error(const char *legacy_path, enum error_kind kind) {
    node_marker_release(&marker);
    CU_ASSERT_TRUE(node_marker_find(&root, legacy_path, &marker, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, kind);
}

static void test_none(void) {
    check_found(NULL, false, false, "");
    check_found(LEGACY, false, false, "");
    make_folder(0700);
    check_found(LEGACY, false, false, "");
}

static void test_own_wins(void) {
    make_folder(0700);
    scratch_root_write(&root, STATE_FOLDER_MARKER, OWN_TEXT);
    scratch_root_write(&root, LEGACY, "driver_version=2.0\n");
    check_found(LEGACY, true, false, "grid");
    CU_ASSERT_STRING_EQUAL(marker.values.driver_version, "1.0");
}

/* Only a legacy marker without a kind is one of the times before there were kinds. */
static void test_kinds(void) {
    scratch_root_write(&root, LEGACY, "driver_version=2.0\n");
    check_found(NULL, false, false, "");
    check_found(LEGACY, true, true, "cuda");
    scratch_root_write(&root, LEGACY, "driver_kind=grid-v20\n");
    check_found(LEGACY, true, true, "grid");
    scratch_root_write(&root, LEGACY, "driver_kind=rocm\n");
    check_found(LEGACY, true, true, "");
    make_folder(0700);
    scratch_root_write(&root, STATE_FOLDER_MARKER, "format=1\ndriver_version=1.0\n");
    check_found(LEGACY, true, false, "");
}

/* A bake that was killed placed its compat marker already: that is no legacy image. */
static void test_killed_bake(void) {
    make_folder(0700);
    scratch_root_write(&root, STATE_FOLDER_JOURNAL, "{}");
    scratch_root_write(&root, LEGACY, "driver_version=2.0\n");
    check_error(LEGACY, ERROR_DAMAGED);
    CU_ASSERT_TRUE(marker.present && marker.legacy);
}

static void test_what_is_not_believed(void) {
    check_error("opt/marker", ERROR_USAGE);
    check_error("/opt/../marker", ERROR_USAGE);
    scratch_root_write(&root, LEGACY, "driver_version=../..\n");
    check_error(LEGACY, ERROR_REFUSED);
    make_folder(0777);
    check_error(NULL, ERROR_REFUSED);
    CU_ASSERT_TRUE(marker.present);
    make_folder(0700);
    scratch_root_write(&root, STATE_FOLDER_MARKER, "format=2\n");
    check_error(NULL, ERROR_REFUSED);
    scratch_root_write(&root, STATE_FOLDER_MARKER, "forma");
    check_error(LEGACY, ERROR_DAMAGED);
    CU_ASSERT_TRUE(marker.present && !marker.legacy);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"none", test_none},
        {"own wins", test_own_wins},
        {"kinds", test_kinds},
        {"killed bake", test_killed_bake},
        {"what is not believed", test_what_is_not_believed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "node_marker", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
