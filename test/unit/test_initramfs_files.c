#include "kmod/system/initramfs_files.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct initramfs_files files, recorded;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    initramfs_files_release(&files);
    initramfs_files_release(&recorded);
    scratch_root_remove(&root);
}

static void find(void) {
    initramfs_files_release(&files);
    CU_ASSERT_EQUAL(initramfs_files_find(&root, &files, &err), 0);
}

/* What is there now, with digests. */
static bool record(void) {
    bool changed = false;
    find();
    CU_ASSERT_EQUAL(initramfs_files_digest(&root, &recorded, &files, &changed, &err), 0);
    initramfs_files_release(&recorded);
    recorded = files;
    files = (struct initramfs_files){0};
    return changed;
}

static bool is_recorded(void) {
    bool known = false;
    find();
    CU_ASSERT_EQUAL_FATAL(files.count, 1);
    CU_ASSERT_EQUAL(initramfs_files_is_recorded(&root, &recorded, &files.items[0], &known, &err),
                    0);
    return known;
}

static void test_what_is_an_image(void) {
    find();
    CU_ASSERT_EQUAL(files.count, 0);
    scratch_root_write(&root, "/boot/initrd.img-6.1", "b");
    scratch_root_write(&root, "/boot/initramfs-6.1.img", "a");
    scratch_root_write(&root, "/boot/0123/6.1/initrd", "c");
    scratch_root_write(&root, "/boot/vmlinuz-6.1", "no image");
    scratch_root_write(&root, "/boot/1/2/3/4/5/initrd", "too deep");
    scratch_root_link(&root, "/boot/initrd.img", "initrd.img-6.1");
    scratch_root_dir(&root, "/boot/initrd.d");
    scratch_root_write(&root, "/initrd.img", "not in /boot");
    find();
    CU_ASSERT_EQUAL_FATAL(files.count, 3);
    CU_ASSERT_STRING_EQUAL(files.items[0].path, "/boot/0123/6.1/initrd");
    CU_ASSERT_STRING_EQUAL(files.items[1].path, "/boot/initramfs-6.1.img");
    CU_ASSERT_STRING_EQUAL(files.items[2].path, "/boot/initrd.img-6.1");
    struct stat st;
    CU_ASSERT_EQUAL(root_stat(&root, files.items[2].path, &st), 0);
    CU_ASSERT_EQUAL(files.items[2].inode, st.st_ino);
    CU_ASSERT_EQUAL(files.items[2].size, 1);
}

/* What a boot loader gets by a link need not be in /boot, nor have an image's name. */
static void test_images_behind_links(void) {
    scratch_root_write(&root, "/real/initrd.img-6.1", "a");
    scratch_root_write(&root, "/real/img-6.2", "b");
    scratch_root_write(&root, "/var/img/x", "c");
    scratch_root_link(&root, "/boot", "real");
    scratch_root_link(&root, "/real/initrd.img", "initrd.img-6.1");
    scratch_root_link(&root, "/real/initrd.img.old", "img-6.2");
    scratch_root_link(&root, "/real/initramfs-1", "../var/img/x");
    scratch_root_link(&root, "/real/initramfs-2", "/boot/initramfs-1");
    scratch_root_link(&root, "/real/initramfs-3", "nowhere");
    scratch_root_link(&root, "/real/initramfs-4", "/var");
    scratch_root_link(&root, "/real/other", "/var/img/y");
    find();
    CU_ASSERT_EQUAL_FATAL(files.count, 3);
    CU_ASSERT_STRING_EQUAL(files.items[0].path, "/boot/initrd.img-6.1");
    CU_ASSERT_STRING_EQUAL(files.items[1].path, "/real/img-6.2");
    CU_ASSERT_STRING_EQUAL(files.items[2].path, "/var/img/x");
    CU_ASSERT_EQUAL(files.items[2].size, 1);
    CU_ASSERT_TRUE(record());
    CU_ASSERT_FALSE(record());
}

static void test_boot_that_is_no_folder(void) {
    scratch_root_write(&root, "/boot", "a file");
    find();
    CU_ASSERT_EQUAL(files.count, 0);
}

static void test_the_same_file_is_known(void) {
    scratch_root_write(&root, "/boot/initrd.img-6.1", "content");
    CU_ASSERT_TRUE(record());
    CU_ASSERT_EQUAL(strlen(recorded.items[0].sha256), 64);
    CU_ASSERT_TRUE(is_recorded());
    CU_ASSERT_FALSE(record());
    CU_ASSERT_EQUAL(strlen(recorded.items[0].sha256), 64);
}

/* As in a copy of the root. */
static void test_the_same_content_is_known(void) {
    scratch_root_write(&root, "/boot/initrd.img-6.1", "content");
    record();
    recorded.items[0].inode++;
    CU_ASSERT_TRUE(is_recorded());
    recorded.items[0].ctime_ns--;
    CU_ASSERT_TRUE(is_recorded());
    CU_ASSERT_TRUE(record());
    CU_ASSERT_FALSE(record());
}

static void test_what_changed_is_not_known(void) {
    scratch_root_write(&root, "/boot/initrd.img-6.1", "content");
    record();
    scratch_root_write(&root, "/boot/initrd.img-6.1", "CONTENT");
    recorded.items[0].ctime_ns--; /* the clock may not have moved on */
    CU_ASSERT_FALSE(is_recorded());
    scratch_root_write(&root, "/boot/initrd.img-6.1", "longer content");
    CU_ASSERT_FALSE(is_recorded());
    CU_ASSERT_TRUE(record());
    strcpy(recorded.items[0].path, "/boot/initrd.img-6.2");
    CU_ASSERT_FALSE(is_recorded());
}

static void test_one_that_is_gone_is_a_change(void) {
    scratch_root_write(&root, "/boot/initrd.img-6.1", "content");
    CU_ASSERT_TRUE(record());
    CU_ASSERT_EQUAL(unlinkat(root.fd, "boot/initrd.img-6.1", 0), 0);
    CU_ASSERT_TRUE(record());
    CU_ASSERT_EQUAL(recorded.count, 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what is an image", test_what_is_an_image},
        {"images behind links", test_images_behind_links},
        {"/boot that is no folder", test_boot_that_is_no_folder},
        {"the same file is known", test_the_same_file_is_known},
        {"the same content is known", test_the_same_content_is_known},
        {"what changed is not known", test_what_changed_is_not_known},
        {"one that is gone is a change", test_one_that_is_gone_is_a_change},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "initramfs files",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
