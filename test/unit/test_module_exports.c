#include "kmod/module/module_exports.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static struct module_file file; /* the one that the exports point into */

static int read_fixture(const struct module_fixture *fixture, struct export_table *exports,
                        struct error *err) {
    module_file_release(&file);
    if (!module_fixture_make(fixture, &file))
        return -EIO;
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    int rc = elf_module_open(&file, &elf, err);
    return rc < 0 ? rc : module_exports_read(&elf, "owner", 3, exports, err);
}

static int close_suite(void) {
    module_file_release(&file);
    return workdir_close();
}

static void test_exports(void) {
    const struct module_fixture fixture = {
        .exports = {{.name = "plain", .crc = 0x11},
                    {.name = "for_gpl", .crc = 0x22, .gpl_only = true},
                    {.name = "spaced", .crc = 0x33, .name_space = "SPACE"},
                    {.name = "absolute", .crc = 0xfedcba98, .absolute_crc = true},
                    {.name = "bare", .without_crc = true}}};
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_fixture(&fixture, &exports, &err), 0);
    CU_ASSERT_EQUAL_FATAL(exports.count, 5);
    for (const struct fixture_symbol *wanted = fixture.exports; wanted->name; wanted++) {
        const struct export *found = export_table_find(&exports, wanted->name, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(found);
        CU_ASSERT_EQUAL(found->crc, wanted->crc);
        CU_ASSERT_EQUAL(found->has_crc, !wanted->without_crc);
        CU_ASSERT_EQUAL(found->gpl_only, wanted->gpl_only);
        CU_ASSERT_STRING_EQUAL(found->name_space, wanted->name_space ? wanted->name_space : "");
        CU_ASSERT_STRING_EQUAL(found->owner, "owner");
        CU_ASSERT_EQUAL(found->sibling, 3);
    }
}

static void test_none(void) {
    const struct module_fixture good = FIXTURE_GOOD;
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL(read_fixture(&good, &exports, &err), 0);
    CU_ASSERT_EQUAL(exports.count, 0);
}

static void test_broken(void) {
    static const char *const broken[] = {
        /* a CRC that leads out of its section */
        ".section __kcrctab, \"a\"\n.long 5\n__crc_one:\n",
        ".section __kcrctab, \"a\"\n.long 5\n.byte 1\n.set __crc_one, . - 3\n",
        ".section .bss\n__crc_one: .long 0\n",
        /* a namespace without an end */
        ".section names, \"a\"\n__kstrtabns_one: .ascii \"X\"\n",
        ".section names, \"a\"\n.asciz \"X\"\n__kstrtabns_one:\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        AUTO_BUFFER struct buffer assembly = {.data = NULL};
        CU_ASSERT_EQUAL(buffer_printf(&assembly,
                                      ".section __ksymtab, \"a\"\n__ksymtab_one: .long 0, 0, 0\n%s",
                                      broken[i]),
                        0);
        const struct module_fixture fixture = {.assembly = buffer_string(&assembly)};
        AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
        struct error err = {.kind = ERROR_NONE};
        int rc = read_fixture(&fixture, &exports, &err);
        if (rc != -EBADMSG)
            fprintf(stderr, "damage %zu was not seen\n", i);
        CU_ASSERT_EQUAL(rc, -EBADMSG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "one"));
    }
}

/* The assembler makes no two symbols of one name; a file can have them all the same. */
static void test_twice(void) {
    const struct module_fixture fixture = {.exports = {{.name = "one"}, {.name = "two"}}};
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_fixture(&fixture, &exports, &err), 0);
    export_table_release(&exports);
    char *name = memmem(file.content.data, file.elf_size, "__ksymtab_two", 13);
    CU_ASSERT_PTR_NOT_NULL_FATAL(name);
    memcpy(name, "__ksymtab_one", 13);
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    CU_ASSERT_EQUAL_FATAL(elf_module_open(&file, &elf, &err), 0);
    CU_ASSERT_EQUAL(module_exports_read(&elf, "owner", 3, &exports, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "there are two of its export one"));
}

static CU_TestInfo tests[] = {
    {"CRC, licence, namespace", test_exports},
    {"a module without exports", test_none},
    {"each kind of damage", test_broken},
    {"one symbol exported twice", test_twice},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "module exports",
         .pInitFunc = workdir_open,
         .pCleanupFunc = close_suite,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
