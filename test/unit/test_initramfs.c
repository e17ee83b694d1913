#include <CUnit/Basic.h>
#include <string.h>

#include "base/interrupt.h"
#include "kmod/module/compression.h"
#include "kmod/system/initramfs.h"
#include "kmod/system/unpacker_library.h"
#include "kmod/system/unpacker_programs.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_cpio.h"
#include "test/unit/scratch_root.h"

#define BUILD_ID "00112233445566778899aabbccddeeff01234567"
#define BUILD_ID_BYTES                                                                             \
    "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01\x23\x45\x67"
#define OURS "usr/lib/modules/6.1/updates/dkms/ours.ko"

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct initramfs_wanted wanted;
static struct error err;
static struct initramfs_files clean, files;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    if (initramfs_want(&wanted, "/" OURS ".xz", BUILD_ID, &err))
        exit(99);
}

static void tear_down(void) {
    initramfs_wanted_release(&wanted);
    initramfs_files_release(&clean);
    initramfs_files_release(&files);
    scratch_root_remove(&root);
}

/* An image with one module, after other files. */
static void make_image(const char *image, const char *module, const void *data, size_t size) {
    AUTO_BUFFER struct buffer cpio = {0}, packed = {0};
    scratch_cpio_add_text(&cpio, "init", "#!/bin/sh");
    scratch_cpio_add_text(&cpio, "usr/lib/modules/6.1/modules.dep", OURS);
    scratch_cpio_add_text(&cpio, "usr/lib/modules/6.1/kernel/other.ko", "another module");
    scratch_cpio_add(&cpio, module, data, size);
    scratch_cpio_end(&cpio);
    scratch_cpio_pack(&packed, &cpio, "zstd");
    scratch_root_write_bytes(&root, image, packed.data, packed.size);
}

static int check(void) {
    err = (struct error){0};
    initramfs_files_release(&files);
    int rc = initramfs_files_find(&root, &files, &err);
    return rc ? rc : initramfs_check(&root, &wanted, &clean, &files, &err);
}

static void expect_found(const char *image, const char *module) {
    CU_ASSERT_EQUAL(check(), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, image));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, module));
}

static void expect_clean(unsigned count) {
    int rc = check();
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(files.count, count);
}

static void test_no_boot(void) {
    expect_clean(0);
    scratch_root_dir(&root, "/boot");
    expect_clean(0);
}

static void test_clean_images(void) {
    make_image("/boot/initrd.img-6.1", "usr/lib/modules/6.1/kernel/a.ko", "a", 1);
    make_image("/boot/initramfs-6.1.img", "usr/lib/modules/6.1/kernel/a.ko.zst", "b", 1);
    make_image("/boot/vmlinuz-6.1", OURS, "not looked at", 13);
    scratch_root_link(&root, "/boot/initrd.img", "initrd.img-6.1");
    expect_clean(2);
}

/* However it is packed, and whether /lib is a link or not. */
static void test_by_place(void) {
    static const char *const places[] = {
        "usr/lib/modules/6.1/updates/dkms/ours.ko",
        "lib/modules/6.1/updates/dkms/ours.ko.zst",
        "./usr/lib/modules/6.1/updates/dkms/ours.ko.xz",
        "/lib/modules/6.1/updates/dkms/ours.ko.gz",
    };
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        make_image("/boot/initrd.img-6.1", places[i], "whatever", 8);
        expect_found("/boot/initrd.img-6.1", places[i]);
    }
}

/* The same name elsewhere is the kernel's own module, and other kernels are not meant. */
static void test_other_places(void) {
    static const char *const places[] = {
        "usr/lib/modules/6.1/kernel/ours.ko",
        "usr/lib/modules/6.2/updates/dkms/ours.ko",
        "usr/lib/modules/6.1/updates/dkms/ours2.ko",
        "usr/lib/modules/6.1/updates/dkms/our.ko",
        "usr/lib/modules/6.1/updates/dkms/ours.ko.backup",
        "usr/lib/modules/6.1/updates/dkms/ours.kox",
        ".ko",
    };
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        make_image("/boot/initrd.img-6.1", places[i], "whatever", 8);
        expect_clean(1);
    }
}

static void make_module(struct buffer *module) {
    char filler[1000] = "";
    CU_ASSERT_EQUAL(buffer_append(module, filler, sizeof filler), 0);
    CU_ASSERT_EQUAL(buffer_append(module, BUILD_ID_BYTES, 20), 0);
    CU_ASSERT_EQUAL(buffer_append(module, filler, sizeof filler), 0);
}

static void test_by_build_id(void) {
    AUTO_BUFFER struct buffer module = {0};
    make_module(&module);
    make_image("/boot/initrd.img-6.1", "elsewhere/renamed.ko", module.data, module.size);
    expect_found("/boot/initrd.img-6.1", "elsewhere/renamed.ko");
    module.data[1005] ^= 1;
    make_image("/boot/initrd.img-6.1", "elsewhere/renamed.ko", module.data, module.size);
    expect_clean(1);
}

static void test_by_build_id_packed(void) {
    static const enum compression formats[] = {COMPRESSION_GZIP, COMPRESSION_XZ, COMPRESSION_ZSTD};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        AUTO_BUFFER struct buffer module = {0}, packed = {0};
        char name[64];
        make_module(&module);
        CU_ASSERT_EQUAL(compression_pack(formats[i], module.data, module.size, &packed, &err), 0);
        snprintf(name, sizeof name, "lib/modules/6.1/extra/renamed.ko%s",
                 compression_suffix(formats[i]));
        make_image("/boot/initrd.img-6.1", name, packed.data, packed.size);
        expect_found("/boot/initrd.img-6.1", name);
    }
}

/* It can't be loaded. */
static void test_broken_module_is_no_module(void) {
    make_image("/boot/initrd.img-6.1", "lib/modules/6.1/kernel/broken.ko.xz", "no xz at all", 12);
    expect_clean(1);
}

static void test_folders_of_boot(void) {
    make_image("/boot/0123456789abcdef/6.1/initrd", OURS, "x", 1);
    expect_found("/boot/0123456789abcdef/6.1/initrd", OURS);
}

/* What was read before and had nothing is not read again. */
static void test_recorded_images(void) {
    bool changed = false;
    make_image("/boot/initrd.img-6.1", "usr/lib/modules/6.1/kernel/a.ko", "a", 1);
    expect_clean(1);
    CU_ASSERT_EQUAL(initramfs_files_digest(&root, &clean, &files, &changed, &err), 0);
    clean = files;
    files = (struct initramfs_files){0};
    if (initramfs_want(&wanted, "/lib/modules/6.1/kernel/a.ko", "", &err))
        exit(99);
    expect_clean(1);
    make_image("/boot/initrd.img-6.2", "usr/lib/modules/6.1/kernel/a.ko", "a", 1);
    expect_found("/boot/initrd.img-6.2", "kernel/a.ko");
    make_image("/boot/initrd.img-6.1", OURS, "changed since", 13);
    expect_found("/boot/initrd.img-6.1", OURS);
}

/* Wherever it is, as the kernel would call it. */
static void test_by_name(void) {
    make_image("/boot/initrd.img-6.1", "lib/modules/6.2/extra/nvidia-drm.ko.xz", "x", 1);
    expect_clean(1);
    if (strlist_add(&wanted.names, "nvidia_drm"))
        exit(99);
    expect_found("/boot/initrd.img-6.1", "extra/nvidia-drm.ko.xz");
    make_image("/boot/initrd.img-6.1", "lib/modules/6.2/extra/nvidia-drm2.ko", "x", 1);
    expect_clean(1);
}

static void test_findings(void) {
    AUTO_INITRAMFS_FINDING struct initramfs_finding found = {0}, unread = {0};
    make_image("/boot/initrd.img-6.1", OURS, "x", 1);
    scratch_root_write(&root, "/boot/initrd.img-6.2", "nobody knows what this is");
    CU_ASSERT_EQUAL(initramfs_inspect(&root, &wanted, "/boot/initrd.img-6.1", &found, &err), 0);
    CU_ASSERT_STRING_EQUAL(found.module, OURS);
    CU_ASSERT_EQUAL(found.reason.kind, ERROR_NONE);
    CU_ASSERT_EQUAL(initramfs_inspect(&root, &wanted, "/boot/initrd.img-6.2", &unread, &err), 0);
    CU_ASSERT_PTR_NULL(unread.module);
    CU_ASSERT_EQUAL(unread.reason.kind, ERROR_DAMAGED);
}

static void test_unreadable_image(void) {
    scratch_root_write(&root, "/boot/initrd.img-6.1", "nobody knows what this is");
    CU_ASSERT_EQUAL(check(), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/boot/initrd.img-6.1"));
}

static void test_says_how_to_make_it_anew(void) {
    make_image("/boot/initrd.img-6.1", OURS, "x", 1);
    expect_found("anew", "6.1)");
    scratch_root_write(&root, "/etc/os-release", "ID=ubuntu\nID_LIKE=debian\n");
    expect_found("update-initramfs -u -k 6.1", OURS);
    scratch_root_write(&root, "/etc/os-release", "ID=fedora\n");
    expect_found("dracut --force --kver 6.1", OURS);
}

/* A found module's name may be anything. */
static void test_hostile_names(void) {
    AUTO_BUFFER struct buffer module = {0};
    char name[3001];
    make_module(&module);
    memset(name, 'n', sizeof name);
    strcpy(name + sizeof name - 4, ".ko");
    make_image("/boot/initrd.img-6.1", name, module.data, module.size);
    expect_found("/boot/initrd.img-6.1", "nnn");
    make_image("/boot/initrd.img-6.1", "a.ko", module.data, module.size);
    expect_found("/boot/initrd.img-6.1", "a.ko");
}

static int use_programs(void) {
    interrupt_install();
    unpacker_use(&unpacker_programs);
    return 0;
}

static int use_library(void) {
    unpacker_use(&unpacker_library);
    return 0;
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no /boot", test_no_boot},
        {"clean images", test_clean_images},
        {"by place", test_by_place},
        {"other places", test_other_places},
        {"by build id", test_by_build_id},
        {"by build id, packed", test_by_build_id_packed},
        {"a broken module is no module", test_broken_module_is_no_module},
        {"folders of /boot", test_folders_of_boot},
        {"recorded images", test_recorded_images},
        {"by name", test_by_name},
        {"findings", test_findings},
        {"unreadable image", test_unreadable_image},
        {"says how to make it anew", test_says_how_to_make_it_anew},
        {"hostile names", test_hostile_names},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "by programs",
         .pInitFunc = use_programs,
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        {.pName = "by the library",
         .pInitFunc = use_library,
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
