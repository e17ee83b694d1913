#include "kmod/lifecycle/bake_initramfs.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/interrupt.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/parked_store.h"
#include "test/unit/baked_root.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_cpio.h"
#include "test/unit/scratch_root.h"

#define IMAGE "/boot/initrd.img-" SMALL_KERNEL
#define INSIDE "usr" SMALL_KERNEL_DIR "/updates/dkms/baked-ours.ko"

static struct root root = ROOT_INIT;
static struct marker marker;
static struct manifest manifest;
static struct facts facts;
static struct removal removal;
static struct error err;

static void open_bake(void) {
    CU_ASSERT_EQUAL(marker_read(&root, &marker, &err), 0);
    CU_ASSERT_EQUAL(bake_records_manifest(&root, &marker, &manifest, &err), 0);
    CU_ASSERT_EQUAL(bake_records_facts(&root, &marker, &facts, &err), 0);
    removal = (struct removal){.root = &root, .manifest = &manifest, .facts = &facts};
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &removal.context, &err), 0);
}

static void set_up(void) {
    err = (struct error){0};
    baked_root_make(&root);
}

static void tear_down(void) {
    facts_release(&facts);
    manifest_release(&manifest);
    marker_release(&marker);
    scratch_root_remove(&root);
}

static void make_image(const char *image, const char *module) {
    AUTO_BUFFER struct buffer cpio = {0}, packed = {0};
    scratch_cpio_add_text(&cpio, module, "a module");
    scratch_cpio_end(&cpio);
    scratch_cpio_pack(&packed, &cpio, "gzip");
    scratch_root_write_bytes(&root, image, packed.data, packed.size);
}

static int check(void) {
    err = (struct error){0};
    return bake_initramfs_check(&removal, &facts, NULL, &err);
}

static int record(bool *changed) {
    AUTO_INITRAMFS_WANTED struct initramfs_wanted wanted = {0};
    unsigned count = 0;
    err = (struct error){0};
    CU_ASSERT_EQUAL(bake_initramfs_want(&removal, &facts, NULL, &wanted, &err), 0);
    int rc = bake_initramfs_record(&root, &wanted, &facts, &count, changed, &err);
    CU_ASSERT_TRUE(rc || count >= facts.initramfs.count);
    return rc;
}

static void test_in_the_place_of_a_module(void) {
    baked_root_bake(&root);
    open_bake();
    CU_ASSERT_EQUAL(check(), 0);
    make_image(IMAGE, "usr" SMALL_KERNEL_DIR "/kernel/base.ko");
    CU_ASSERT_EQUAL(check(), 0);
    make_image(IMAGE, INSIDE ".xz");
    CU_ASSERT_EQUAL(check(), -EEXIST);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, IMAGE));
    scratch_root_write(&root, IMAGE, "no image");
    CU_ASSERT_EQUAL(check(), -EBADMSG);
}

/* Somebody else's driver, and so is what is in the image. */
static void test_a_place_that_is_somebody_elses(void) {
    baked_root_bake(&root);
    open_bake();
    make_image(IMAGE, INSIDE);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_FILE)), 0);
    CU_ASSERT_EQUAL(check(), -EEXIST);
    scratch_root_write(&root, BAKED_FILE, "another driver");
    CU_ASSERT_EQUAL(check(), 0);
}

static void test_parked(void) {
    baked_root_bake_parked(&root);
    open_bake();
    make_image(IMAGE, INSIDE);
    CU_ASSERT_EQUAL(check(), -EEXIST);
    scratch_root_write(&root, BAKED_FILE, "another driver");
    CU_ASSERT_EQUAL(check(), 0);
}

/* For another kernel, as DKMS would install it there: as long as it is there, it is not ours. */
static void test_the_same_place_for_another_kernel(void) {
    static const char other[] = "/lib/modules/6.1-other/updates/dkms/baked-ours.ko.zst";
    baked_root_bake(&root);
    open_bake();
    make_image("/boot/initrd.img-6.1-other", "lib/modules/6.1-other/updates/dkms/baked-ours.ko");
    CU_ASSERT_EQUAL(check(), 0);
    scratch_root_write(&root, other, "somebody else's");
    CU_ASSERT_EQUAL(check(), 0);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, other)), 0);
    CU_ASSERT_EQUAL(check(), -EEXIST);
}

static void test_the_record(void) {
    bool changed = false;
    baked_root_bake(&root);
    open_bake();
    make_image(IMAGE, "lib/a.ko");
    CU_ASSERT_EQUAL(record(&changed), 0);
    CU_ASSERT_TRUE(changed);
    CU_ASSERT_EQUAL_FATAL(facts.initramfs.count, 1);
    CU_ASSERT_STRING_EQUAL(facts.initramfs.items[0].path, IMAGE);
    CU_ASSERT_EQUAL(record(&changed), 0);
    CU_ASSERT_FALSE(changed);
    make_image(IMAGE, INSIDE);
    CU_ASSERT_EQUAL(record(&changed), -EEXIST);
    CU_ASSERT_EQUAL(facts.initramfs.count, 1);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, IMAGE)), 0);
    CU_ASSERT_EQUAL(record(&changed), 0);
    CU_ASSERT_TRUE(changed);
    CU_ASSERT_EQUAL(facts.initramfs.count, 0);
}

/* What the facts could not hold is read by every teardown. */
static void test_names_that_can_not_be_recorded(void) {
    bool changed = false;
    baked_root_bake(&root);
    open_bake();
    make_image("/boot/initrd.img-\xff", "lib/a.ko");
    make_image("/boot/initrd.img-a", "lib/a.ko");
    make_image("/boot/initrd.img-\n", "lib/a.ko");
    CU_ASSERT_EQUAL(record(&changed), 0);
    CU_ASSERT_EQUAL_FATAL(facts.initramfs.count, 1);
    CU_ASSERT_STRING_EQUAL(facts.initramfs.items[0].path, "/boot/initrd.img-a");
    CU_ASSERT_EQUAL(check(), 0);
    make_image("/boot/initrd.img-\xff", INSIDE);
    CU_ASSERT_EQUAL(check(), -EEXIST);
}

int main(void) {
    interrupt_install();
    CU_TestInfo tests[] = {
        {"in the place of a module", test_in_the_place_of_a_module},
        {"a place that is somebody else's", test_a_place_that_is_somebody_elses},
        {"parked", test_parked},
        {"the same place for another kernel", test_the_same_place_for_another_kernel},
        {"the record", test_the_record},
        {"names that can't be recorded", test_names_that_can_not_be_recorded},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "a bake's initramfs",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
