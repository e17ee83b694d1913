#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/system/build_id_note.h"
#include "kmod/system/loaded_modules.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/* A running system, faked: /proc/modules and /sys/module of the proprietary stack. */
static struct root root = ROOT_INIT;
static struct loaded_modules list;
static struct strlist ours, busy, unloaded, asked;
static struct error err;

static void add_module(const char *name, const char *build_id, const char *holder) {
    char path[128];
    snprintf(path, sizeof path, "/sys/module/%s/holders", name);
    scratch_root_dir(&root, path);
    if (holder) {
        snprintf(path, sizeof path, "/sys/module/%s/holders/%s", name, holder);
        scratch_root_link(&root, path, "../..");
    }
    if (!build_id)
        return;
    /* namesz, descsz, type (this machine's byte order), "GNU", four bytes of id. */
    struct {
        uint32_t sizes[3];
        char name[4];
        char id[4];
    } note = {.sizes = {4, 4, 3}, .name = "GNU"};
    memcpy(note.id, build_id, sizeof note.id);
    snprintf(path, sizeof path, "/sys/module/%s/notes/.note.gnu.build-id", name);
    scratch_root_write_bytes(&root, path, &note, sizeof note);
}

#define IN_TREE "ext4 100 3 - Live 0x0000000000000000\n"

/* nvidia_uvm and nvidia_drm use nvidia; `more` is what else uses it. */
static void make_stack(const char *references, const char *more) {
    char text[1024];
    snprintf(text, sizeof text,
             IN_TREE "nvidia_uvm 200 0 - Live 0x0 (OE)\n"
                     "nvidia 300 %s nvidia_uvm,nvidia_modeset, Live 0x0 (OE)\n"
                     "nvidia_drm 20 0 - Live 0x0 (OE)\n"
                     "nvidia_modeset 20 1 nvidia_drm, Live 0x0 (OE)\n%s",
             references, more);
    scratch_root_write(&root, "/proc/modules", text);
    add_module("ext4", "tree", NULL);
    add_module("nvidia", "AAAA", "nvidia_uvm");
    add_module("nvidia", NULL, "nvidia_modeset");
    add_module("nvidia_uvm", "BBBB", NULL);
    add_module("nvidia_modeset", "CCCC", "nvidia_drm");
    add_module("nvidia_drm", "DDDD", NULL);
}

static const char *const OURS[] = {"41414141", "42424242", "43434343", "44444444"};

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    for (size_t i = 0; i < ARRAY_SIZE(OURS); i++)
        CU_ASSERT_EQUAL(strlist_add(&ours, OURS[i]), 0);
}

static void tear_down(void) {
    loaded_modules_release(&list);
    strlist_release(&ours);
    strlist_release(&busy);
    strlist_release(&unloaded);
    strlist_release(&asked);
    scratch_root_remove(&root);
}

/* Remembers what it was asked for; `context` names a module that it refuses, with its errno. */
struct refusal {
    const char *name;
    int errnum;
};

static int fake_remover(void *context, const char *name) {
    const struct refusal *refusal = context;
    CU_ASSERT_EQUAL(strlist_add(&asked, name), 0);
    return refusal->name && !strcmp(refusal->name, name) ? -refusal->errnum : 0;
}

static void unload(const char *refused, int errnum) {
    struct refusal refusal = {refused, errnum};
    CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), 0);
    CU_ASSERT_EQUAL(
        loaded_modules_unload(&list, &ours, fake_remover, &refusal, &unloaded, &busy, &err), 0);
}

static void check_list(const struct strlist *items, const char *expected) {
    AUTO_FREE char *joined = strlist_join(items, ",");
    CU_ASSERT_STRING_EQUAL(joined, expected);
}

static void test_reading(void) {
    make_stack("2", "");
    CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), 0);
    CU_ASSERT_EQUAL_FATAL(list.count, 5);
    const struct loaded_module *nvidia = loaded_modules_find(&list, "nvidia");
    CU_ASSERT_PTR_NOT_NULL_FATAL(nvidia);
    CU_ASSERT_EQUAL(nvidia->references, 2);
    CU_ASSERT_STRING_EQUAL(nvidia->build_id, "41414141");
    check_list(&nvidia->holders, "nvidia_modeset,nvidia_uvm");
    CU_ASSERT_PTR_EQUAL(loaded_modules_find_by_build_id(&list, "41414141"), nvidia);
    CU_ASSERT_PTR_NULL(loaded_modules_find_by_build_id(&list, ""));
    CU_ASSERT_PTR_NULL(loaded_modules_find(&list, "nvid"));
}

static void test_no_module_support(void) {
    unload(NULL, 0);
    CU_ASSERT_EQUAL(list.count, 0);
    CU_ASSERT_EQUAL(asked.count, 0);
}

static void test_holders_go_first(void) {
    make_stack("2", "");
    unload(NULL, 0);
    check_list(&asked, "nvidia_uvm,nvidia_drm,nvidia_modeset,nvidia");
    check_list(&unloaded, "nvidia_uvm,nvidia_drm,nvidia_modeset,nvidia");
    check_list(&busy, "");
}

static void test_the_same_names_of_a_customer_stay(void) {
    make_stack("2", "");
    strlist_release(&ours);
    CU_ASSERT_EQUAL(strlist_add(&ours, "0123456789abcdef"), 0);
    unload(NULL, 0);
    check_list(&asked, "");
    check_list(&busy, "");
}

static void test_a_module_without_build_id_is_never_ours(void) {
    scratch_root_write(&root, "/proc/modules", "nvidia 300 0 - Live 0x0\n");
    add_module("nvidia", NULL, NULL);
    CU_ASSERT_EQUAL(strlist_add(&ours, ""), 0);
    unload(NULL, 0);
    check_list(&asked, "");
}

static void test_a_foreign_holder_is_named(void) {
    make_stack("3", "gdrdrv 20 0 - Live 0x0 (OE)\n");
    add_module("nvidia", NULL, "gdrdrv");
    add_module("gdrdrv", "EEEE", NULL);
    unload(NULL, 0);
    check_list(&asked, "nvidia_uvm,nvidia_drm,nvidia_modeset");
    check_list(&busy, "nvidia (held by gdrdrv)");
}

static void test_a_module_in_use_keeps_what_it_holds(void) {
    make_stack("2", "");
    unload("nvidia_drm", EAGAIN);
    check_list(&asked, "nvidia_uvm,nvidia_drm");
    check_list(&unloaded, "nvidia_uvm");
    check_list(&busy, "nvidia_drm (in use),nvidia_modeset (held by nvidia_drm),"
                      "nvidia (held by nvidia_modeset)");
}

static void test_the_kernels_refusal_is_said(void) {
    make_stack("2", "");
    unload("nvidia", EPERM);
    check_list(&busy, "nvidia (Operation not permitted)");
}

static void test_gone_meanwhile(void) {
    make_stack("2", "");
    unload("nvidia_uvm", ENOENT);
    check_list(&unloaded, "nvidia_drm,nvidia_modeset,nvidia");
    check_list(&busy, "");
}

static void test_a_look_sees_open_devices(void) {
    make_stack("4", "");
    CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), 0);
    CU_ASSERT_EQUAL(loaded_modules_peek(&list, &ours, &busy, &err), 0);
    check_list(&busy, "nvidia (in use)");
}

static void test_a_look_at_an_idle_stack(void) {
    make_stack("2", "");
    CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), 0);
    CU_ASSERT_EQUAL(loaded_modules_peek(&list, &ours, &busy, &err), 0);
    check_list(&busy, "");
}

static void test_modules_that_hold_each_other_end(void) {
    scratch_root_write(&root, "/proc/modules", "a 1 1 b, Live 0x0\nb 1 1 a, Live 0x0\n");
    add_module("a", "AAAA", "b");
    add_module("b", "BBBB", "a");
    unload(NULL, 0);
    check_list(&asked, "");
    check_list(&busy, "b (held by a),a (held by b)");
}

static void test_damaged_lines(void) {
    static const char *const damaged[] = {"nvidia\n", "nvidia 1 x - Live\n", "../x 1 0 - Live\n",
                                          " 1 0\n", "nvidia 1 \n"};
    for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
        scratch_root_write(&root, "/proc/modules", damaged[i]);
        CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_EQUAL(list.count, 0);
    }
}

static void test_kernel_that_cannot_unload(void) {
    scratch_root_write(&root, "/proc/modules", "nvidia 300 - - Live 0x0\n");
    add_module("nvidia", "AAAA", NULL);
    unload(NULL, 0);
    check_list(&asked, "");
    check_list(&busy, "nvidia (the kernel never unloads it)");
}

static void test_a_look_sees_a_permanent_module(void) {
    scratch_root_write(&root, "/proc/modules", "nvidia 300 0 [permanent], Live 0x0\n");
    add_module("nvidia", "AAAA", NULL);
    CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), 0);
    CU_ASSERT_EQUAL(loaded_modules_peek(&list, &ours, &busy, &err), 0);
    check_list(&busy, "nvidia (the kernel never unloads it)");
}

static void test_build_ids_are_told(void) {
    make_stack("2", "");
    CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), 0);
    CU_ASSERT_TRUE(loaded_modules_tell_build_ids(&list));
}

static void test_build_ids_are_not_told(void) {
    scratch_root_write(&root, "/proc/modules", IN_TREE);
    CU_ASSERT_EQUAL(loaded_modules_read(&root, &list, &err), 0);
    CU_ASSERT_FALSE(loaded_modules_tell_build_ids(&list));
}

static void check_note(const char *bytes, size_t size, const char *expected) {
    AUTO_FREE char *copy = malloc(size ? size : 1); /* so that a sanitizer sees its end */
    memcpy(copy, bytes, size);
    AUTO_FREE char *hex = build_id_note_hex((const uint8_t *)copy, size);
    CU_ASSERT_STRING_EQUAL(hex, expected);
}

static void test_notes(void) {
    uint32_t other[] = {4, 8, 5, 0x00554e47, 1, 2, 4, 3, 3, 0x00554e47, 0x00ccbbaa};
    check_note((const char *)other, sizeof other, "aabbcc");
    for (size_t size = 0; size < sizeof other - 1; size++)
        check_note((const char *)other, size, "");
    uint32_t huge_name[] = {0xffffffff, 4, 3, 0x00554e47, 1};
    uint32_t huge_id[] = {4, 0xfffffffd, 3, 0x00554e47, 1};
    check_note((const char *)huge_name, sizeof huge_name, "");
    check_note((const char *)huge_id, sizeof huge_id, "");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"reading", test_reading},
        {"no module support", test_no_module_support},
        {"holders go first", test_holders_go_first},
        {"the same names of a customer stay", test_the_same_names_of_a_customer_stay},
        {"a module without build id is never ours", test_a_module_without_build_id_is_never_ours},
        {"a foreign holder is named", test_a_foreign_holder_is_named},
        {"a module in use keeps what it holds", test_a_module_in_use_keeps_what_it_holds},
        {"the kernel's refusal is said", test_the_kernels_refusal_is_said},
        {"gone meanwhile", test_gone_meanwhile},
        {"a look sees open devices", test_a_look_sees_open_devices},
        {"a look at an idle stack", test_a_look_at_an_idle_stack},
        {"modules that hold each other end", test_modules_that_hold_each_other_end},
        {"damaged lines", test_damaged_lines},
        {"kernel that cannot unload", test_kernel_that_cannot_unload},
        {"a look sees a permanent module", test_a_look_sees_a_permanent_module},
        {"build ids are told", test_build_ids_are_told},
        {"build ids are not told", test_build_ids_are_not_told},
        {"notes", test_notes},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "loaded modules",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
