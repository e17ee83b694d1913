#include "kmod/module/modinfo.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static const char text[] =
    "license=GPL\0\0\0alias=a\0aliases=no\0name=one\0alias=b\0vermagic=v \0\0";
static const struct modinfo modinfo = {.text = text, .size = sizeof(text)};

static void test_entries(void) {
    static const char *const expected[] = {"license=GPL", "alias=a", "aliases=no",
                                           "name=one",    "alias=b", "vermagic=v "};
    const char *entry = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        entry = modinfo_next(&modinfo, entry);
        CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
        CU_ASSERT_STRING_EQUAL(entry, expected[i]);
    }
    CU_ASSERT_PTR_NULL(modinfo_next(&modinfo, entry));
}

static void test_values(void) {
    CU_ASSERT_STRING_EQUAL(modinfo_get(&modinfo, "name"), "one");
    CU_ASSERT_STRING_EQUAL(modinfo_get(&modinfo, "vermagic"), "v ");
    const char *first = modinfo_get(&modinfo, "alias");
    CU_ASSERT_STRING_EQUAL(first, "a");
    const char *second = modinfo_next_value(&modinfo, "alias", first);
    CU_ASSERT_STRING_EQUAL(second, "b");
    CU_ASSERT_PTR_NULL(modinfo_next_value(&modinfo, "alias", second));
    CU_ASSERT_PTR_NULL(modinfo_get(&modinfo, "nam"));
    CU_ASSERT_PTR_NULL(modinfo_get(&modinfo, "version"));
}

static void test_counts(void) {
    CU_ASSERT_EQUAL(modinfo_count(&modinfo, "alias"), 2);
    CU_ASSERT_EQUAL(modinfo_count(&modinfo, "name"), 1);
    CU_ASSERT_EQUAL(modinfo_count(&modinfo, "version"), 0);
    CU_ASSERT_TRUE(modinfo_has(&modinfo, "alias", "b"));
    CU_ASSERT_FALSE(modinfo_has(&modinfo, "alias", "c"));
}

static void test_nothing(void) {
    const struct modinfo none = {.text = NULL};
    CU_ASSERT_PTR_NULL(modinfo_next(&none, NULL));
    CU_ASSERT_PTR_NULL(modinfo_get(&none, "name"));
    const struct modinfo padding = {.text = "\0\0", .size = 3};
    CU_ASSERT_PTR_NULL(modinfo_next(&padding, NULL));
}

static int read_fixture(const struct module_fixture *fixture, struct modinfo *found,
                        struct error *err) {
    static struct module_file file;
    module_file_release(&file);
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    if (!module_fixture_make(fixture, &file))
        return -EIO;
    int rc = elf_module_open(&file, &elf, err);
    return rc < 0 ? rc : modinfo_read(&elf, found, err);
}

static void test_read(void) {
    struct error err = {.kind = ERROR_NONE};
    struct modinfo found;
    const struct module_fixture good = FIXTURE_GOOD;
    CU_ASSERT_EQUAL_FATAL(read_fixture(&good, &found, &err), 0);
    CU_ASSERT_STRING_EQUAL(modinfo_get(&found, "name"), "fixture");
}

static void test_unterminated(void) {
    struct error err = {.kind = ERROR_NONE};
    struct modinfo found;
    const struct module_fixture endless = {.assembly =
                                               ".section .modinfo, \"a\"\n.ascii \"version=1\"\n"};
    CU_ASSERT_EQUAL(read_fixture(&endless, &found, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "fixture.ko"));
}

static CU_TestInfo tests[] = {
    {"entries in order, padding passed over", test_entries},
    {"values of a key", test_values},
    {"counting", test_counts},
    {"nothing there", test_nothing},
    {"read from a module", test_read},
    {"a last string without an end", test_unterminated},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "modinfo",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
