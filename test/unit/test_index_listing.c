#include "kmod/system/index_listing.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/small_kernel.h"

#define DEP SMALL_KERNEL_DIR "/modules.dep"

static struct root root = ROOT_INIT;
static struct strlist gone;
static unsigned named;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    strlist_release(&gone);
    scratch_root_remove(&root);
}

static int list(void) {
    strlist_release(&gone);
    err = (struct error){0};
    return index_listing_read(&root, SMALL_KERNEL, &named, &gone, &err);
}

static void test_no_index(void) {
    CU_ASSERT_EQUAL(list(), 0);
    scratch_root_dir(&root, SMALL_KERNEL_DIR);
    CU_ASSERT_EQUAL(list(), 0);
    CU_ASSERT_EQUAL(named, 0);
}

static void test_real_index(void) {
    small_kernel_make(&root);
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
    CU_ASSERT_EQUAL(list(), 0);
    CU_ASSERT_EQUAL(named, 3);
    CU_ASSERT_EQUAL(gone.count, 0);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, SMALL_KERNEL_DIR "/kernel/twin.ko")), 0);
    CU_ASSERT_EQUAL(list(), 0);
    CU_ASSERT_EQUAL(named, 3);
    CU_ASSERT_EQUAL_FATAL(gone.count, 1);
    CU_ASSERT_STRING_EQUAL(gone.items[0], "kernel/twin.ko");
}

/* Absolute names, and links, as weak-updates has them; none leads out of the root. */
static void test_links(void) {
    scratch_root_write(&root, "/lib/modules/other/a.ko", "a module");
    scratch_root_link(&root, SMALL_KERNEL_DIR "/weak-updates/a.ko", "/lib/modules/other/a.ko");
    scratch_root_link(&root, SMALL_KERNEL_DIR "/weak-updates/b.ko", "/lib/modules/other/b.ko");
    scratch_root_link(&root, SMALL_KERNEL_DIR "/weak-updates/c.ko", "../../../../../../bin/sh");
    scratch_root_write(&root, DEP,
                       "weak-updates/a.ko:\nweak-updates/b.ko: weak-updates/a.ko\n"
                       "weak-updates/c.ko:\n/lib/modules/other/a.ko:\n/bin/sh:\n");
    CU_ASSERT_EQUAL(list(), 0);
    CU_ASSERT_EQUAL(named, 5);
    AUTO_FREE char *names = strlist_join(&gone, " ");
    CU_ASSERT_STRING_EQUAL(names, "weak-updates/b.ko weak-updates/c.ko /bin/sh");
}

static void test_damaged(void) {
    static const char *const texts[] = {"no colon\n", ": nothing\n", "a.ko:\nb.ko"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        scratch_root_write(&root, DEP, texts[i]);
        CU_ASSERT_EQUAL(list(), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "modules.dep"));
    }
    scratch_root_write(&root, DEP, "");
    CU_ASSERT_EQUAL(list(), 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no index", test_no_index}, {"real index", test_real_index},
        {"links", test_links},       {"damaged", test_damaged},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "index listing",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
