/* What verify says of a module on its own: object, class, type, machine, modinfo, vermagic. */
#include "kmod/module/candidate.h"

#include <CUnit/Basic.h>
#include <elf.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define NAME "name=fixture"
#define VERMAGIC "vermagic=" FIXTURE_VERMAGIC
#define LICENCE "license=GPL"

static void test_good(void) {
    const struct module_fixture good = FIXTURE_GOOD;
    CU_ASSERT_TRUE(module_fixture_loads(&good));
}

static void test_modinfo(void) {
    const struct module_fixture two_vermagics = {.modinfo = {NAME, VERMAGIC, LICENCE, VERMAGIC}};
    const struct module_fixture no_vermagic = {.modinfo = {NAME, LICENCE}};
    const struct module_fixture no_name = {.modinfo = {VERMAGIC, LICENCE}};
    const struct module_fixture two_names = {.modinfo = {NAME, VERMAGIC, "name=other"}};
    const struct module_fixture empty_name = {.modinfo = {"name=", VERMAGIC, LICENCE}};
    const struct module_fixture renamed = {.struct_name = "fixture2"};
    CU_ASSERT_TRUE(module_fixture_fails(&renamed, "modinfo", NULL, "fixture",
                                        "another name in struct module"));
    CU_ASSERT_TRUE(module_fixture_fails(&empty_name, "modinfo", NULL, "a name", ""));
    CU_ASSERT_TRUE(module_fixture_fails(&two_vermagics, "modinfo", NULL, "1", "2"));
    CU_ASSERT_TRUE(module_fixture_fails(&no_vermagic, "modinfo", NULL, "1", "0"));
    CU_ASSERT_TRUE(module_fixture_fails(&no_name, "modinfo", NULL, "1", "0"));
    CU_ASSERT_TRUE(module_fixture_fails(&two_names, "modinfo", NULL, "1", "2"));
}

/* Every byte counts: the release, which the kernel may ignore, and the space at the end. */
static void test_vermagic(void) {
    static const char *const wrong[] = {
        "6.1.0-fixture SMP mod_unload modversions", "6.1.1-fixture SMP mod_unload modversions ",
        "6.1.0-fixture SMP mod_unload modversions  ", "6.1.0-fixture mod_unload modversions ", ""};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        AUTO_BUFFER struct buffer entry = {.data = NULL};
        CU_ASSERT_EQUAL(buffer_printf(&entry, "vermagic=%s", wrong[i]), 0);
        const struct module_fixture fixture = {.modinfo = {NAME, buffer_string(&entry), LICENCE}};
        CU_ASSERT_TRUE(
            module_fixture_fails(&fixture, "vermagic", NULL, FIXTURE_VERMAGIC, wrong[i]));
    }
}

/* Of both that an arm64 kernel wants it has one. */
static void test_plt_sections(void) {
    const struct module_fixture half = {.assembly = ".section .plt, \"ax\"\n.byte 0\n"};
    const struct module_fixture both = {.assembly = ".section .plt, \"ax\"\n.byte 0\n"
                                                    ".section .init.plt, \"a\"\n.byte 0\n"};
    struct verify_target target = module_fixture_target();
    target.plt_sections = true;
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(&half, 1, &target, &report));
    CU_ASSERT_EQUAL_FATAL(report.verdicts[0].failure_count, 1);
    CU_ASSERT_STRING_EQUAL(report.verdicts[0].failures[0].check, "section");
    CU_ASSERT_STRING_EQUAL(report.verdicts[0].failures[0].wanted, ".init.plt");
    verify_report_release(&report);
    CU_ASSERT_TRUE_FATAL(module_fixture_verify(&both, 1, &target, &report));
    CU_ASSERT_EQUAL(report.failed, 0);
    CU_ASSERT_TRUE(module_fixture_loads(&half));
}

/* Verifies a copy of the good module after `edit`. */
static bool edited_fails(void (*edit)(struct module_file *), const char *check, const char *wanted,
                         const char *found) {
    const struct module_fixture good = FIXTURE_GOOD;
    const struct verify_target target = module_fixture_target();
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    struct error err = {.kind = ERROR_NONE};
    if (!module_fixture_make(&good, &file))
        return false;
    edit(&file);
    if (verify_modules(&target, &file, 1, &report, &err) < 0 || report.failed != 1)
        return false;
    const struct verify_failure *failure = report.verdicts[0].failures;
    return strcmp(failure->check, check) == 0 &&
           (!wanted || (failure->wanted && strcmp(failure->wanted, wanted) == 0)) &&
           (!found || (failure->found && strcmp(failure->found, found) == 0));
}

static void make_arm(struct module_file *file) {
    file->content.data[18] = EM_ARM;
    file->content.data[19] = 0;
}
static void make_32_bit(struct module_file *file) {
    file->content.data[EI_CLASS] = ELFCLASS32;
}
static void make_shared_object(struct module_file *file) {
    file->content.data[16] = ET_DYN;
}
static void make_text(struct module_file *file) {
    memcpy(file->content.data, "#!/bin/sh", 9);
}
static void cut(struct module_file *file) {
    file->elf_size /= 2;
}
static void rename_this_module(struct module_file *file) {
    uint8_t *name = memmem(file->content.data, file->elf_size, ".gnu.linkonce.this_module", 25);
    name[1] = 'x';
}

static void test_identity(void) {
    CU_ASSERT_TRUE(edited_fails(make_arm, "machine", NULL, "arm"));
    CU_ASSERT_TRUE(
        edited_fails(make_32_bit, "class", "64-bit little-endian", "32-bit little-endian"));
    CU_ASSERT_TRUE(edited_fails(make_shared_object, "type", "relocatable", "type 3"));
    CU_ASSERT_TRUE(edited_fails(make_text, "object", NULL, NULL));
    CU_ASSERT_TRUE(edited_fails(cut, "object", NULL, NULL));
    CU_ASSERT_TRUE(edited_fails(rename_this_module, "object", NULL, NULL));
}

/* An object that modpost never saw, and a program. */
static void test_other_objects(void) {
    static const char source[] = "int x(void) { return 1; }";
    CU_ASSERT_TRUE_FATAL(workdir_write("x.c", source, sizeof(source) - 1));
    CU_ASSERT_TRUE_FATAL(workdir_run("gcc", "-c", "x.c", "-o", "x.o", NULL));
    CU_ASSERT_TRUE_FATAL(workdir_run("gcc", "-shared", "x.o", "-o", "x.so", NULL));
    static const char *const names[] = {"x.o", "x.so"};
    static const char *const checks[] = {"object", "type"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct verify_target target = module_fixture_target();
        AUTO_MODULE_FILE struct module_file file = {.name = NULL};
        AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
        struct error err = {.kind = ERROR_NONE};
        CU_ASSERT_EQUAL_FATAL(module_file_read(workdir_path(names[i]), &file, &err), 0);
        CU_ASSERT_EQUAL_FATAL(verify_modules(&target, &file, 1, &report, &err), 0);
        CU_ASSERT_EQUAL_FATAL(report.failed, 1);
        CU_ASSERT_STRING_EQUAL(report.verdicts[0].failures[0].check, checks[i]);
    }
}

static CU_TestInfo tests[] = {
    {"nothing wrong", test_good},
    {"one name, one vermagic", test_modinfo},
    {"sections for far jumps", test_plt_sections},
    {"vermagic", test_vermagic},
    {"machine, class, type, object", test_identity},
    {"objects that are no modules", test_other_objects},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "candidate",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
