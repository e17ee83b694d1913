#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "kmod/lifecycle/deregister.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"
#include "test/unit/dkms_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define BUILT FIXTURE_TREE "/1.0/" SMALL_KERNEL "/" FIXTURE_MACHINE "/module/mod.ko"
#define INSTALLED SMALL_KERNEL_DIR "/updates/dkms/mod.ko"

static struct root root = ROOT_INIT;
static struct error err;
static struct deregister_options options;
static struct deregister_result result;

static void run_depmod(void) {
    scratch_root_dir(&root, "/none");
    scratch_root_run("depmod", "-b", root.path, "-C", scratch_root_host(&root, "/none"),
                     SMALL_KERNEL, NULL);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    small_kernel_make(&root);
    run_depmod();
    options = (struct deregister_options){.name = FIXTURE_NAME, .version = "1.0", .all = true};
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void install(void) {
    dkms_fixture_add(&root, "1.0");
    small_kernel_module(&root, BUILT, "pci:v0000CCCCd*", NULL, "base_call");
    scratch_root_copy(&root, INSTALLED, scratch_root_host(&root, BUILT));
    dkms_fixture_activate(&root, "1.0", SMALL_KERNEL);
    run_depmod();
    CU_ASSERT_TRUE(small_kernel_resolves(&root, "mod"));
}

static void succeed(bool present) {
    int rc = deregister_run(&root, &options, &result, &err);
    CU_ASSERT_EQUAL(rc, 0);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_TRUE(result.looked);
    CU_ASSERT_TRUE(result.complete);
    CU_ASSERT_EQUAL(result.present, present);
}

static void refused(int errnum, enum error_kind kind, const char *sentence) {
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    CU_ASSERT_EQUAL(deregister_run(&root, &options, &result, &err), -errnum);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, sentence));
    if (!strstr(err.text, sentence))
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_FALSE(result.looked);
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

static void test_installed(void) {
    install();
    succeed(true);
    CU_ASSERT_EQUAL(result.kernels, 1);
    CU_ASSERT_EQUAL(result.files, 1);
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
    CU_ASSERT_FALSE(root_exists(&root, SMALL_KERNEL_DIR "/updates"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    CU_ASSERT_FALSE(small_kernel_resolves(&root, "mod"));
    CU_ASSERT_TRUE(root_exists(&root, "/usr/src/mod-1.0/dkms.conf"));
    /* No state folder is made for this. */
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER));
    AUTO_FREE char *before = dkms_fixture_snapshot(&root);
    succeed(false);
    AUTO_FREE char *after = dkms_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(after, before);
}

static void test_a_kernel_without_an_index_gets_none(void) {
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_place(&root, "6.1", "updates/dkms/mod.ko", "module");
    dkms_fixture_activate(&root, "1.0", "6.1");
    succeed(true);
    CU_ASSERT_EQUAL(file_remove_dir(&root, "/lib/modules/6.1", &err), 0);
}

static void test_several_kernels_want_a_choice(void) {
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    options.all = false;
    succeed(true);
    dkms_fixture_build(&root, "1.0", "6.1", "mod.ko", "module");
    dkms_fixture_build(&root, "1.0", "6.2", "mod.ko", "module");
    refused(EINVAL, ERROR_USAGE, "mod/1.0 is built for 6.1, 6.2: name one with -k");
    options.kernel = "6.2";
    succeed(true);
    CU_ASSERT_TRUE(root_exists(&root, FIXTURE_TREE "/1.0/6.1"));
    succeed(false);
    options.kernel = NULL;
    succeed(true);
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

static void test_hostile_words(void) {
    install();
    options.name = "../mod";
    refused(EINVAL, ERROR_REFUSED, "DKMS module name");
    options.name = FIXTURE_NAME;
    options.version = "..";
    refused(EINVAL, ERROR_REFUSED, "DKMS module version");
    options.version = "1.0";
    options.all = false;
    options.kernel = "6.1/../..";
    refused(EINVAL, ERROR_REFUSED, "kernel release");
}

static void bake(const char *module, const char *version, enum state_word word) {
    char sha256[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct marker marker = {.kernel = (char *)SMALL_KERNEL,
                            .driver_version = (char *)version,
                            .driver_kind = (char *)"cuda",
                            .arch = (char *)FIXTURE_MACHINE,
                            .module = (char *)module,
                            .manifest_sha256 = sha256};
    CU_ASSERT_EQUAL_FATAL(state_folder_make(&root, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(state_word_write(&root, word, &err), 0);
    CU_ASSERT_EQUAL_FATAL(marker_write(&root, &marker, &err), 0);
}

static void test_the_own_bake_is_refused(void) {
    static const enum state_word words[] = {STATE_ACTIVE, STATE_NONE, STATE_ACTIVATING,
                                            STATE_PARKING, STATE_TEARING_DOWN};
    install();
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        bake(FIXTURE_NAME, "1.0", words[i]);
        refused(EPERM, ERROR_REFUSED, "'prebake-node teardown' removes it");
    }
}

static void test_others_beside_a_bake(void) {
    install();
    bake(FIXTURE_NAME, "2.0", STATE_ACTIVE);
    succeed(true);
    install();
    bake("other", "1.0", STATE_ACTIVE);
    succeed(true);
    install();
    bake(FIXTURE_NAME, "1.0", STATE_PARKED);
    succeed(true);
    CU_ASSERT_TRUE(root_exists(&root, STATE_FOLDER_MARKER));
}

static void test_a_marker_not_to_be_believed(void) {
    install();
    bake("other", "1.0", STATE_ACTIVE);
    scratch_root_run("chmod", "666", scratch_root_host(&root, STATE_FOLDER_MARKER), NULL);
    refused(EPERM, ERROR_REFUSED, STATE_FOLDER_MARKER);
}

/* A file that does not go keeps the registration; the index is right nevertheless. */
static void test_incomplete_then_complete(void) {
    install();
    scratch_root_write(&root, FIXTURE_TREE "/1.0/" SMALL_KERNEL "/x86_64/module/other.ko", "other");
    scratch_root_write(&root, SMALL_KERNEL_DIR "/extra/other.ko", "other");
    scratch_root_run("chown", "1", scratch_root_host(&root, SMALL_KERNEL_DIR "/extra"), NULL);
    CU_ASSERT_EQUAL(deregister_run(&root, &options, &result, &err), -EBUSY);
    CU_ASSERT_EQUAL(err.kind, ERROR_INCOMPLETE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "run it again"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "extra"));
    CU_ASSERT_TRUE(result.looked);
    CU_ASSERT_FALSE(result.complete);
    CU_ASSERT_TRUE(root_exists(&root, FIXTURE_TREE "/kernel-" SMALL_KERNEL "-x86_64"));
    scratch_root_run("chown", "0", scratch_root_host(&root, SMALL_KERNEL_DIR "/extra"), NULL);
    succeed(true);
    CU_ASSERT_FALSE(root_exists(&root, SMALL_KERNEL_DIR "/extra"));
    CU_ASSERT_TRUE(small_kernel_index_is_depmods(&root));
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

static void test_a_depmod_folder_left_by_a_kill(void) {
    install();
    scratch_root_write(&root, FIXTURE_TREE "/.prebake/index/" SMALL_KERNEL "/staging/x", "");
    succeed(true);
    CU_ASSERT_FALSE(root_exists(&root, FIXTURE_TREE));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"installed", test_installed},
        {"a kernel without an index gets none", test_a_kernel_without_an_index_gets_none},
        {"several kernels want a choice", test_several_kernels_want_a_choice},
        {"hostile words", test_hostile_words},
        {"the own bake is refused", test_the_own_bake_is_refused},
        {"others beside a bake", test_others_beside_a_bake},
        {"a marker not to be believed", test_a_marker_not_to_be_believed},
        {"incomplete then complete", test_incomplete_then_complete},
        {"a depmod folder left by a kill", test_a_depmod_folder_left_by_a_kill},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "deregister", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
