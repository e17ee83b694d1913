#include "kmod/module/modversions.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static struct module_file file; /* the one that the versions point into */

/* Reads a module whose only versions are in `assembly`. */
static int read_assembly(const char *assembly, struct modversions *versions, struct error *err) {
    const struct module_fixture fixture = {.without_versions = true, .assembly = assembly};
    module_file_release(&file);
    if (!module_fixture_make(&fixture, &file))
        return -EIO;
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    int rc = elf_module_open(&file, &elf, err);
    return rc < 0 ? rc : modversions_read(&elf, versions, err);
}

static int close_suite(void) {
    module_file_release(&file);
    return workdir_close();
}

static uint32_t crc_of(const struct modversion_list *list, const char *name) {
    const struct modversion *version = modversions_find(list, name);
    return version ? version->crc : 0;
}

static void test_none(void) {
    AUTO_MODVERSIONS struct modversions versions;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_assembly("", &versions, &err), 0);
    CU_ASSERT_FALSE(versions.basic.present);
    CU_ASSERT_FALSE(versions.extended.present);
    CU_ASSERT_PTR_NULL(modversions_find(modversions_effective(&versions, true), "alpha"));
}

#define ENTRY(crc, name, length) ".quad " crc "\n.ascii \"" name "\"\n.zero 56 - " length "\n"
#define VERSIONS ".section __versions, \"a\"\n"

static void test_fixed(void) {
    AUTO_MODVERSIONS struct modversions versions;
    struct error err = {.kind = ERROR_NONE};
    int rc = read_assembly(VERSIONS ENTRY("0xffffffff", "zeta", "4") ENTRY("2", "alpha", "5")
                               ENTRY("3", "alpha", "5"),
                           &versions, &err);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_TRUE(versions.basic.present);
    CU_ASSERT_EQUAL(versions.basic.count, 3);
    CU_ASSERT_EQUAL(crc_of(&versions.basic, "zeta"), 0xffffffff);
    CU_ASSERT_EQUAL(crc_of(&versions.basic, "alpha"), 2); /* as the kernel: the first */
    CU_ASSERT_PTR_NULL(modversions_find(&versions.basic, "beta"));
}

/* Ubuntu's: offset of the next, CRC, name; names of any length. */
static void test_chained(void) {
    static const char long_name[] =
        "a_name_that_is_much_longer_than_the_fixed_entries_have_room_for";
    AUTO_MODVERSIONS struct modversions versions;
    struct error err = {.kind = ERROR_NONE};
    int rc = read_assembly(VERSIONS ".long 16, 0xbb6d1c39\n.asciz \"alpha\"\n.zero 2\n"
                                    ".long 72, 0x80000001\n"
                                    ".asciz \"a_name_that_is_much_longer_than_the_fixed_entries_"
                                    "have_room_for\"\n.long 0, 0\n",
                           &versions, &err);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL(versions.basic.count, 2);
    CU_ASSERT_EQUAL(crc_of(&versions.basic, "alpha"), 0xbb6d1c39);
    CU_ASSERT_EQUAL(crc_of(&versions.basic, long_name), 0x80000001);
}

#define CRCS ".section __version_ext_crcs, \"a\"\n"
#define NAMES ".section __version_ext_names, \"a\"\n"

static void test_extended(void) {
    AUTO_MODVERSIONS struct modversions versions;
    struct error err = {.kind = ERROR_NONE};
    int rc = read_assembly(VERSIONS ENTRY("1", "alpha", "5") CRCS
                           ".long 7, 8\n" NAMES ".asciz \"zeta\"\n.asciz \"alpha\"\n.byte 0\n",
                           &versions, &err);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL(versions.extended.count, 2);
    CU_ASSERT_PTR_EQUAL(modversions_effective(&versions, true), &versions.extended);
    CU_ASSERT_PTR_EQUAL(modversions_effective(&versions, false), &versions.basic);
    CU_ASSERT_EQUAL(crc_of(&versions.extended, "zeta"), 7);
    CU_ASSERT_EQUAL(crc_of(&versions.extended, "alpha"), 8);
    CU_ASSERT_EQUAL(crc_of(&versions.basic, "alpha"), 1);
}

static void test_extended_without_entries(void) {
    AUTO_MODVERSIONS struct modversions versions;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(read_assembly(CRCS NAMES, &versions, &err), 0);
    CU_ASSERT_EQUAL(versions.extended.count, 0);
}

static void test_broken(void) {
    static const char *const broken[] = {
        VERSIONS ".quad 1\n.ascii \"half an entry\"\n",
        VERSIONS ".quad 1\n.fill 56, 1, 'x'\n",                              /* no end of name */
        VERSIONS ENTRY("1", "alpha", "5") ENTRY("0x100000001", "beta", "4"), /* a 33-bit CRC */
        VERSIONS ".long 8, 5\n",                                             /* no name */
        VERSIONS ".long 7, 5\n.zero 8\n",                                    /* inside itself */
        VERSIONS ".long 17, 5\n.asciz \"alpha12\"\n",                        /* outside */
        VERSIONS ".long 0xfffffff0, 5\n.asciz \"alpha12\"\n",
        VERSIONS ".long 16, 5\n.ascii \"alpha123\"\n.long 0, 0\n", /* no end of name */
        VERSIONS ".long 16, 5\n.asciz \"alpha12\"\n",              /* no last entry */
        CRCS ".long 1\n",
        NAMES ".asciz \"alpha\"\n",
        CRCS ".long 1\n" NAMES ".ascii \"alpha\"\n",
        CRCS ".long 1\n.byte 1\n" NAMES ".asciz \"alpha\"\n",
        CRCS ".long 1, 2\n" NAMES ".asciz \"alpha\"\n",
        CRCS ".long 1\n" NAMES ".asciz \"alpha\"\n.asciz \"beta\"\n",
        CRCS ".long 1\n" NAMES ".asciz \"\"\n.asciz \"beta\"\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        struct modversions versions;
        struct error err = {.kind = ERROR_NONE};
        int rc = read_assembly(broken[i], &versions, &err);
        if (rc != -EBADMSG)
            fprintf(stderr, "damage %zu was not seen\n", i);
        CU_ASSERT_EQUAL(rc, -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        if (rc == 0)
            modversions_release(&versions);
    }
}

static void test_room(void) {
    CU_ASSERT_TRUE(
        modversions_fits_basic("a234567890b234567890c234567890d234567890e234567890f2345"));
    CU_ASSERT_FALSE(
        modversions_fits_basic("a234567890b234567890c234567890d234567890e234567890f23456"));
}

static CU_TestInfo tests[] = {
    {"no versions", test_none},
    {"__versions as upstream has it", test_fixed},
    {"__versions as Ubuntu has it", test_chained},
    {"__version_ext_*", test_extended},
    {"__version_ext_* without entries", test_extended_without_entries},
    {"each kind of damage", test_broken},
    {"what fits a fixed entry", test_room},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "modversions",
         .pInitFunc = workdir_open,
         .pCleanupFunc = close_suite,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
