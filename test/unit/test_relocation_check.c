#include "kmod/module/relocation_check.h"

#include <CUnit/Basic.h>
#include <elf.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

/* A module whose .text has one relocation of `alpha`: `call` as PLT32, `.quad` as 64. */
static const struct module_fixture good = {
    .imports = {{.name = FIXTURE_ALPHA}},
    .versions = {{.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC}},
    .assembly = ".text\ncall alpha@PLT\n.zero 8\n"};

/* The fixture's relocations of .text, to be spoilt; NULL when there are none. */
static Elf64_Rela *find_relocation(struct module_file *file) {
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    struct error err = {0};
    if (elf_module_open(file, &elf, &err))
        return NULL;
    for (size_t i = 1; i < elf.section_count; i++)
        if (strcmp(elf.sections[i].name, ".rela.text") == 0)
            return (Elf64_Rela *)(file->content.data + (elf.sections[i].data - file->content.data));
    return NULL;
}

/* Whether verify says that the spoilt file fails by `check`, and by it alone. */
static bool fails(const struct module_file *file, const char *check, const char *words) {
    struct verify_target target = module_fixture_target();
    AUTO_VERIFY_REPORT struct verify_report report = {0};
    struct error err = {0};
    if (verify_modules(&target, file, 1, &report, &err))
        return false;
    const struct verify_verdict *verdict = &report.verdicts[0];
    return verdict->failure_count == 1 && strcmp(verdict->failures[0].check, check) == 0 &&
           strstr(verdict->failures[0].text, words);
}

static bool fails_with(Elf64_Rela spoilt, const char *words) {
    AUTO_MODULE_FILE struct module_file file = {0};
    Elf64_Rela *relocation = NULL;
    if (module_fixture_make(&good, &file))
        relocation = find_relocation(&file);
    if (!relocation)
        return false;
    memcpy(relocation, &spoilt, sizeof spoilt);
    return fails(&file, "relocation", words);
}

static void test_good(void) {
    CU_ASSERT_TRUE(module_fixture_loads(&good));
}

static void test_spoilt(void) {
    AUTO_MODULE_FILE struct module_file file = {0};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&good, &file));
    const Elf64_Rela *relocation = find_relocation(&file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(relocation);
    Elf64_Rela kind = *relocation, symbol = *relocation, place = *relocation, full = *relocation;
    kind.r_info = ELF64_R_INFO(ELF64_R_SYM(kind.r_info), R_X86_64_GOTPCREL);
    symbol.r_info = ELF64_R_INFO(100000, ELF64_R_TYPE(symbol.r_info));
    place.r_offset = UINT64_MAX - 1;
    full.r_offset = 0;
    CU_ASSERT_TRUE(fails_with(kind, "of a kind that the kernel does not know"));
    CU_ASSERT_TRUE(fails_with(symbol, "of a symbol that is not there"));
    CU_ASSERT_TRUE(fails_with(place, "at a place outside"));
    CU_ASSERT_TRUE(fails_with(full, "does not hold zeros"));
}

static void test_write_and_execute(void) {
    const struct module_fixture fixture = {.assembly = ".section .both, \"awx\"\n.zero 8\n"};
    AUTO_MODULE_FILE struct module_file file = {0};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&fixture, &file));
    CU_ASSERT_TRUE(fails(&file, "section", ".both has both write and execute permission"));
}

static CU_TestInfo tests[] = {
    {"kinds that the kernel knows", test_good},
    {"spoilt relocations", test_spoilt},
    {"writable and executable", test_write_and_execute},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "relocation check",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
