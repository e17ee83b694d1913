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

/* As read_fixture(), of what is left after `strip --strip-unneeded`. */
static int read_stripped(const struct module_fixture *fixture, struct export_table *exports,
                         struct error *err) {
    module_file_release(&file);
    if (!module_fixture_make(fixture, &file))
        return -EIO;
    module_file_release(&file);
    if (!workdir_run("strip", "--strip-unneeded", "fixture.ko", NULL))
        return -EIO;
    int rc = module_file_read(workdir_path("fixture.ko"), &file, err);
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    if (rc == 0)
        rc = elf_module_open(&file, &elf, err);
    return rc < 0 ? rc : module_exports_read(&elf, "owner", 3, exports, err);
}

static int close_suite(void) {
    module_file_release(&file);
    return workdir_close();
}

static const struct module_fixture all_kinds = {
    .exports = {{.name = "plain", .crc = 0x11},
                {.name = "for_gpl", .crc = 0x22, .gpl_only = true},
                {.name = "spaced", .crc = 0x33, .name_space = "SPACE"},
                {.name = "absolute", .crc = 0xfedcba98, .absolute_crc = true},
                {.name = "last", .crc = 0x44}}};

static void check_exports(const struct module_fixture *fixture,
                          const struct export_table *exports) {
    size_t count = 0;
    for (const struct fixture_symbol *wanted = fixture->exports; wanted->name; wanted++, count++) {
        const struct export *found = export_table_find(exports, wanted->name, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(found);
        CU_ASSERT_EQUAL(found->crc, wanted->crc);
        CU_ASSERT_EQUAL(found->has_crc, !wanted->without_crc);
        CU_ASSERT_EQUAL(found->gpl_only, wanted->gpl_only);
        CU_ASSERT_STRING_EQUAL(found->name_space, wanted->name_space ? wanted->name_space : "");
        CU_ASSERT_STRING_EQUAL(found->owner, "owner");
        CU_ASSERT_EQUAL(found->sibling, 3);
    }
    CU_ASSERT_EQUAL(exports->count, count);
}

static void test_exports(void) {
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_fixture(&all_kinds, &exports, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(memmem(file.content.data, file.elf_size, "__ksymtab_last", 14));
    check_exports(&all_kinds, &exports);
}

static void test_stripped(void) {
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_stripped(&all_kinds, &exports, &err), 0);
    CU_ASSERT_PTR_NULL(memmem(file.content.data, file.elf_size, "__ksymtab_last", 14));
    check_exports(&all_kinds, &exports);
}

/* A kernel without CONFIG_MODVERSIONS has no table of CRCs. */
/* How struct kernel_symbol was before Linux 5.4 and is where there are no distances. */
static void check_layout(const char *entries) {
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    AUTO_FREE char *assembly = NULL;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_FATAL(asprintf(&assembly,
                             ".text\n.globl one, two\none: .byte 0\ntwo: .byte 0\n"
                             ".section __ksymtab_strings, \"aMS\", %%progbits, 1\n"
                             "n1: .asciz \"one\"\nn2: .asciz \"two\"\nns: .asciz \"SPACE\"\n"
                             ".section __ksymtab, \"a\"\n%s",
                             entries) > 0);
    const struct module_fixture fixture = {.assembly = assembly};
    CU_ASSERT_EQUAL(read_fixture(&fixture, &exports, &err), 0);
    CU_ASSERT_EQUAL(exports.count, strstr(entries, "two") ? 2 : 1);
    CU_ASSERT_PTR_NOT_NULL(export_table_find(&exports, "one", NULL));
    const struct export *two = export_table_find(&exports, "two", NULL);
    CU_ASSERT_EQUAL(two != NULL, strstr(entries, "two") != NULL);
    if (two)
        CU_ASSERT_STRING_EQUAL(two->name_space, strstr(entries, "ns") ? "SPACE" : "");
}

static void test_layouts(void) {
    check_layout(".long one - .\n.long n1 - .\n.long two - .\n.long n2 - .\n");
    check_layout(".long one - .\n.long n1 - .\n");
    check_layout(".long one - .\n.long n1 - .\n.long 0\n.long two - .\n.long n2 - .\n"
                 ".long ns - .\n");
    check_layout(".quad one, n1, two, n2\n");
    check_layout(".quad one, n1\n");
    check_layout(".quad one, n1, 0, two, n2, ns\n");
}

static void test_without_crcs(void) {
    const struct module_fixture bare = {
        .exports = {{.name = "one", .without_crc = true},
                    {.name = "two", .without_crc = true, .name_space = "SPACE"}}};
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_fixture(&bare, &exports, &err), 0);
    check_exports(&bare, &exports);
}

static void test_none(void) {
    const struct module_fixture good = FIXTURE_GOOD;
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL(read_fixture(&good, &exports, &err), 0);
    CU_ASSERT_EQUAL(exports.count, 0);
}

/* A CRC at the place of a symbol, as MODULE_REL_CRCS had it, and entries without a namespace. */
static void test_older(void) {
    const struct module_fixture fixture = {
        .assembly = ".section __ksymtab, \"a\"\n.long init_module - .\n.long name - .\n.long 0\n"
                    ".section names, \"a\"\nname: .asciz \"one\"\n.byte 0, 0, 0\n"
                    "crc: .long 0x12345678\n"
                    ".section __kcrctab, \"a\"\n.long crc - .\n"};
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_fixture(&fixture, &exports, &err), 0);
    const struct export *one = export_table_find(&exports, "one", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(one);
    CU_ASSERT(one->has_crc);
    CU_ASSERT_EQUAL(one->crc, 0x12345678);
    CU_ASSERT_STRING_EQUAL(one->name_space, "");
}

#define STRINGS ".section names, \"a\"\nname: .asciz \"one\"\nspace: .asciz \"S\"\n"
#define TABLE ".section __ksymtab, \"a\"\n"
#define ENTRY TABLE ".long 0\n.long name - .\n.long space - .\n"
#define CRC(line) STRINGS ENTRY ".section __kcrctab, \"a\"\n" line

static const struct damage {
    const char *assembly;
    const char *said;
} damages[] = {
    {CRC(".long missing_end - .\n.section end, \"a\"\n.byte 1, 2, 3\nmissing_end: .byte 4\n"),
     "there is no CRC at the place of its export one"},
    {CRC(".long hole - .\n.bss\nhole: .long 0\n"),
     "there is no CRC at the place of its export one"},
    {CRC(""), "the table of CRCs ends before that of its export one"},
    {CRC(".long 5\n.byte 1\n"), "section __kcrctab is not a table"},
    {STRINGS TABLE ".long 0\n.long name - .\n.long space + 2 - .\n",
     "the namespace is no string of its export one"},
    {STRINGS TABLE ".long 0\n.long name - .\n.long name - 1 - .\n",
     "the namespace is no string of its export one"},
    {STRINGS TABLE ".long 0\n.long name\n.long space - .\n",
     "entry 0 of its section __ksymtab has no name"},
    {STRINGS ENTRY ".long 0, 0, 0\n", "entry 1 of its section __ksymtab has no name"},
    {STRINGS TABLE ".long 0\n.long name + 3 - .\n.long space - .\n",
     "entry 0 of its section __ksymtab has no name"},
    {STRINGS TABLE ".long 0\n.long elsewhere - .\n.long space - .\n",
     "entry 0 of its section __ksymtab has no name"},
    {".section names, \"a\"\nspace: .asciz \"S\"\nname: .ascii \"one\"\n" ENTRY,
     "entry 0 of its section __ksymtab has no name"},
    {".section names, \"a\"\nspace: .asciz \"S\"\nname: .fill 4097, 1, 65\n.byte 0\n" ENTRY,
     "entry 0 of its section __ksymtab has no name"},
    {STRINGS ENTRY ".long 0\n", "section __ksymtab ends within an entry"},
    {STRINGS ENTRY ".byte 0\n", "section __ksymtab is not a table"},
    {".section __ksymtab, \"a\", %nobits\n.zero 12\n", "section __ksymtab is not a table"},
    {STRINGS ENTRY ".reloc . - 8, BFD_RELOC_32, name\n", "two relocations at one place"},
    {STRINGS ENTRY ".reloc . - 11, BFD_RELOC_32, name\n", "a place that holds no word"},
    {STRINGS ENTRY ENTRY, "there are two of its export one"},
};

static void test_broken(void) {
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        const struct module_fixture fixture = {.assembly = damages[i].assembly};
        AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
        struct error err = {.kind = ERROR_NONE};
        int rc = read_fixture(&fixture, &exports, &err);
        if (rc != -EBADMSG || !strstr(err.text, damages[i].said))
            fprintf(stderr, "damage %zu: %d, %s\n", i, rc, err.text);
        CU_ASSERT_EQUAL(rc, -EBADMSG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, damages[i].said));
    }
}

/* The longest name that is read, and one export of both kinds. */
static void test_limits(void) {
    const struct module_fixture longest = {
        .assembly =
            ".section names, \"a\"\nspace: .asciz \"S\"\nname: .fill 4096, 1, 65\n.byte 0\n" ENTRY};
    AUTO_EXPORT_TABLE struct export_table exports = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_fixture(&longest, &exports, &err), 0);
    CU_ASSERT_EQUAL_FATAL(exports.count, 1);
    CU_ASSERT_EQUAL(strlen(exports.items[0].name), 4096);
    export_table_release(&exports);
    const struct module_fixture both = {
        .assembly = STRINGS ENTRY
        ".section __ksymtab_gpl, \"a\"\n.long 0\n.long name - .\n.long space - .\n"};
    CU_ASSERT_EQUAL(read_fixture(&both, &exports, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "there are two of its export one"));
}

static CU_TestInfo tests[] = {
    {"CRC, licence, namespace", test_exports},
    {"the same of a stripped module", test_stripped},
    {"each layout of an entry", test_layouts},
    {"no CRCs", test_without_crcs},
    {"a module without exports", test_none},
    {"CRCs elsewhere, no namespaces", test_older},
    {"each kind of damage", test_broken},
    {"longest name, a symbol of both kinds", test_limits},
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
