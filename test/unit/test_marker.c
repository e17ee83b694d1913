#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define DIGEST "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"

static struct root root = ROOT_INIT;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static int parse(const char *text, size_t size, bool own, struct error *err) {
    AUTO_MARKER struct marker marker = {0};
    *err = (struct error){0};
    return marker_parse(text, size, "marker", own, &marker, err);
}

static void check_kind(const char *text, enum error_kind kind) {
    struct error err;
    int rc = parse(text, strlen(text), true, &err);
    CU_ASSERT_EQUAL(rc != 0, kind != ERROR_NONE);
    CU_ASSERT_EQUAL(err.kind, kind);
}

static void test_what_is_written_comes_back(void) {
    struct marker baked = {
        .kernel = "6.1.0-47-cloud-amd64",
        .driver_version = "535.261.03",
        .driver_kind = "cuda",
        .arch = "x86_64",
        .module = "nvidia-current-open",
        .manifest_sha256 = DIGEST,
    };
    struct error err = {0};
    struct stat st;
    mode_t old = umask(077);
    CU_ASSERT_EQUAL(marker_write(&root, &baked, &err), 0);
    umask(old);
    CU_ASSERT_EQUAL(root_stat(&root, STATE_FOLDER_MARKER, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
    AUTO_MARKER struct marker found = {0};
    CU_ASSERT_EQUAL(marker_read(&root, &found, &err), 0);
    CU_ASSERT_TRUE(marker_matches(found.kernel, baked.kernel));
    CU_ASSERT_TRUE(marker_matches(found.driver_version, baked.driver_version));
    CU_ASSERT_TRUE(marker_matches(found.driver_kind, baked.driver_kind));
    CU_ASSERT_TRUE(marker_matches(found.arch, baked.arch));
    CU_ASSERT_TRUE(marker_matches(found.module, baked.module));
    CU_ASSERT_TRUE(marker_matches(found.manifest_sha256, baked.manifest_sha256));
}

static void test_no_marker_is_silent(void) {
    AUTO_MARKER struct marker marker = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(marker_read(&root, &marker, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

static void test_missing_or_empty_matches_nothing(void) {
    CU_ASSERT_FALSE(marker_matches("", ""));
    CU_ASSERT_FALSE(marker_matches(NULL, NULL));
    CU_ASSERT_FALSE(marker_matches("", "x"));
    CU_ASSERT_FALSE(marker_matches("x", NULL));
    CU_ASSERT_FALSE(marker_matches("x", "xy"));
    AUTO_MARKER struct marker marker = {0};
    struct error err = {0};
    static const char text[] = "format=1\nkernel=\n";
    CU_ASSERT_EQUAL(marker_parse(text, strlen(text), "marker", true, &marker, &err), 0);
    CU_ASSERT_STRING_EQUAL(marker.kernel, "");
    CU_ASSERT_STRING_EQUAL(marker.arch, "");
}

static void test_unknown_keys_are_passed_over(void) {
    check_kind("format=1\ncolour=blue / green\nkernel=k\n", ERROR_NONE);
}

static void test_a_newer_format_is_refused(void) {
    check_kind("format=2\nkernel=k\n", ERROR_REFUSED);
    check_kind("format=99999999999999999999999\nkernel=k\n", ERROR_REFUSED);
    check_kind("kernel=k\n", ERROR_DAMAGED);
    check_kind("format=\n", ERROR_DAMAGED);
    check_kind("format=0\n", ERROR_DAMAGED);
    check_kind("format=-1\n", ERROR_DAMAGED);
    check_kind("format=1x\n", ERROR_DAMAGED);
}

static void test_a_version_is_digits_and_dots(void) {
    check_kind("format=1\ndriver_version=535.261.03\n", ERROR_NONE);
    check_kind("format=1\ndriver_version=../../etc\n", ERROR_REFUSED);
    check_kind("format=1\ndriver_version=..\n", ERROR_REFUSED);
    check_kind("format=1\ndriver_version=535 status=cleaned\n", ERROR_REFUSED);
    check_kind("format=1\ndriver_version=535*\n", ERROR_REFUSED);
    check_kind("format=1\ndriver_version=535-1\n", ERROR_REFUSED);
}

static void test_values_that_enter_a_path_are_one_word(void) {
    check_kind("format=1\nkernel=../../../etc\n", ERROR_REFUSED);
    check_kind("format=1\nkernel=/etc\n", ERROR_REFUSED);
    check_kind("format=1\narch=x86 64\n", ERROR_REFUSED);
    check_kind("format=1\nmodule=..\n", ERROR_REFUSED);
    check_kind("format=1\nmanifest_sha256=abc\n", ERROR_REFUSED);
    /* made to forge a telemetry line */
    check_kind("format=1\ndriver_kind=cuda\rPREBAKE event=teardown status=cleaned\n",
               ERROR_REFUSED);
    check_kind("format=1\ndriver_kind=cuda status=cleaned\n", ERROR_REFUSED);
}

static void test_damage_is_said(void) {
    struct error err;
    static const char nul[] = "format=1\nkernel=k\0evil\n";
    CU_ASSERT_NOT_EQUAL(parse(nul, sizeof nul - 1, true, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    check_kind("format=1\nkernel=a\nkernel=b\n", ERROR_DAMAGED);
    check_kind("format=1\nkern", ERROR_DAMAGED);
    check_kind("", ERROR_DAMAGED);
}

static void test_a_marker_of_others_is_refused(void) {
    AUTO_MARKER struct marker marker = {0};
    struct error err = {0};
    scratch_root_write(&root, STATE_FOLDER_MARKER, "format=1\n");
    chmod(scratch_root_host(&root, STATE_FOLDER_MARKER), 0666);
    CU_ASSERT_NOT_EQUAL(marker_read(&root, &marker, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

static void test_a_marker_over_64_KiB_is_refused(void) {
    AUTO_MARKER struct marker marker = {0};
    AUTO_BUFFER struct buffer text = {0};
    struct error err = {0};
    int rc = buffer_append_string(&text, "format=1\n");
    while (!rc && text.size <= MARKER_SIZE_MAX)
        rc = buffer_append_string(&text, "# filler\n");
    CU_ASSERT_EQUAL(rc, 0);
    scratch_root_write(&root, STATE_FOLDER_MARKER, buffer_string(&text));
    CU_ASSERT_EQUAL(marker_read(&root, &marker, &err), -EFBIG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

static void test_a_legacy_marker_needs_no_format(void) {
    static const char path[] = "/opt/azure/aks-gpu/dkms-marker";
    AUTO_MARKER struct marker marker = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(marker_read_legacy(&root, path, &marker, &err), -ENOENT);
    scratch_root_write(&root, path,
                       "kernel=5.15.0-1\ndriver_version=550.90.07\narch=amd64\nmodule=../x\n");
    CU_ASSERT_EQUAL(marker_read_legacy(&root, path, &marker, &err), 0);
    CU_ASSERT_STRING_EQUAL(marker.kernel, "5.15.0-1");
    CU_ASSERT_STRING_EQUAL(marker.driver_version, "550.90.07");
    CU_ASSERT_STRING_EQUAL(marker.driver_kind, "");
    CU_ASSERT_STRING_EQUAL(marker.arch, "amd64");
    CU_ASSERT_STRING_EQUAL(marker.module, ""); /* not a key of theirs */
}

static void test_what_could_not_be_read_is_not_written(void) {
    struct marker marker = {.kernel = "k\nformat=1"};
    struct error err = {0};
    CU_ASSERT_NOT_EQUAL(marker_write(&root, &marker, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER_MARKER));
}

/* What the reader of other tools' markers makes of it is what went in. */
static void test_compat_marker(void) {
    const struct marker baked = {.kernel = "6.1",
                                 .driver_version = "535.261.03",
                                 .driver_kind = "cuda",
                                 .arch = "x86_64",
                                 .module = "nvidia",
                                 .manifest_sha256 = DIGEST};
    AUTO_BUFFER struct buffer text = {0};
    AUTO_MARKER struct marker found = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(marker_format_compat(&baked, &text, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&text), "kernel=6.1\ndriver_version=535.261.03\n"
                                                 "driver_kind=cuda\narch=x86_64\n");
    CU_ASSERT_EQUAL(marker_parse(buffer_string(&text), text.size, "m", false, &found, &err), 0);
    CU_ASSERT_STRING_EQUAL(found.driver_version, "535.261.03");
    const struct marker climbing = {.kernel = "../6.1"};
    CU_ASSERT_EQUAL(marker_format_compat(&climbing, &text, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what is written comes back", test_what_is_written_comes_back},
        {"no marker is silent", test_no_marker_is_silent},
        {"missing or empty matches nothing", test_missing_or_empty_matches_nothing},
        {"unknown keys are passed over", test_unknown_keys_are_passed_over},
        {"a newer format is refused", test_a_newer_format_is_refused},
        {"a version is digits and dots", test_a_version_is_digits_and_dots},
        {"values that enter a path are one word", test_values_that_enter_a_path_are_one_word},
        {"damage is said", test_damage_is_said},
        {"a marker of others is refused", test_a_marker_of_others_is_refused},
        {"a marker over 64 KiB is refused", test_a_marker_over_64_KiB_is_refused},
        {"a legacy marker needs no format", test_a_legacy_marker_needs_no_format},
        {"what could not be read is not written", test_what_could_not_be_read_is_not_written},
        {"compat marker", test_compat_marker},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "marker", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
