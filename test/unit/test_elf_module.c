#include "kmod/module/elf_module.h"

#include <CUnit/Basic.h>
#include <elf.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static struct module_file good;

static int open_suite(void) {
    const struct module_fixture fixture = FIXTURE_GOOD;
    return workdir_open() || !module_fixture_make(&fixture, &good);
}

static int close_suite(void) {
    module_file_release(&good);
    return workdir_close();
}

static Elf64_Ehdr *header_of(struct module_file *file) {
    return (void *)file->content.data;
}

static Elf64_Shdr *section_of(struct module_file *file, size_t index) {
    return (void *)(file->content.data + header_of(file)->e_shoff + index * sizeof(Elf64_Shdr));
}

/* The first section header of a type. */
static Elf64_Shdr *section_of_type(struct module_file *file, uint32_t type) {
    size_t index = 1;
    while (section_of(file, index)->sh_type != type)
        index++;
    return section_of(file, index);
}

static Elf64_Sym *symbol_of(struct module_file *file, size_t index) {
    return (void *)(file->content.data + section_of_type(file, SHT_SYMTAB)->sh_offset +
                    index * sizeof(Elf64_Sym));
}

static void test_open(void) {
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(elf_module_open(&good, &elf, &err), 0);
    CU_ASSERT_EQUAL(elf.identity.elf_class, ELFCLASS64);
    CU_ASSERT_EQUAL(elf.identity.type, ET_REL);
    CU_ASSERT_EQUAL(elf.identity.machine, module_fixture_target().elf_machine);
    const struct elf_section *section = NULL;
    CU_ASSERT_EQUAL(elf_module_find_section(&elf, ".modinfo", &section, &err), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(section);
    CU_ASSERT_STRING_EQUAL((const char *)section->data, "name=fixture");
    CU_ASSERT_EQUAL(elf_module_find_section(&elf, ".modinf", &section, &err), 0);
    CU_ASSERT_PTR_NULL(section);
    /* Sections that the kernel does not load are not found. */
    CU_ASSERT_EQUAL(elf_module_find_section(&elf, ".symtab", &section, &err), 0);
    CU_ASSERT_PTR_NULL(section);
}

static void test_symbols(void) {
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(elf_module_open(&good, &elf, &err), 0);
    size_t undefined = 0;
    for (size_t i = 1; i < elf.symbol_count; i++) {
        struct elf_symbol symbol;
        elf_module_symbol(&elf, i, &symbol);
        if (symbol.section != SHN_UNDEF)
            continue;
        undefined++;
        CU_ASSERT_STRING_EQUAL(symbol.name, FIXTURE_ALPHA);
        CU_ASSERT_EQUAL(symbol.binding, STB_GLOBAL);
        CU_ASSERT_PTR_NULL(elf_module_symbol_section(&elf, &symbol));
    }
    CU_ASSERT_EQUAL(undefined, 1);
}

static void test_build_id(void) {
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    struct error err = {.kind = ERROR_NONE};
    AUTO_FREE char *id = NULL;
    CU_ASSERT_EQUAL_FATAL(elf_module_open(&good, &elf, &err), 0);
    CU_ASSERT_EQUAL_FATAL(elf_module_build_id(&elf, &id, &err), 0);
    CU_ASSERT_STRING_EQUAL(id, "deadbeef");
}

static void check_twins(const char *flags) {
    AUTO_FREE char *assembly = NULL;
    CU_ASSERT_FATAL(
        asprintf(&assembly, ".section .modinfo.x, \"%s\"\n.asciz \"name=other\"\n", flags) > 0);
    const struct module_fixture twins = {.assembly = assembly};
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&twins, &file));
    CU_ASSERT_TRUE_FATAL(workdir_run("objcopy", "--rename-section", ".modinfo.x=.modinfo",
                                     "fixture.ko", "twins.ko", NULL));
    AUTO_MODULE_FILE struct module_file renamed = {.name = NULL};
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    struct error err = {.kind = ERROR_NONE};
    const struct elf_section *section = NULL;
    CU_ASSERT_EQUAL_FATAL(module_file_read(workdir_path("twins.ko"), &renamed, &err), 0);
    CU_ASSERT_EQUAL_FATAL(elf_module_open(&renamed, &elf, &err), 0);
    CU_ASSERT_EQUAL(elf_module_find_section(&elf, ".modinfo", &section, &err), -EBADMSG);
    CU_ASSERT_PTR_NULL(section);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "two sections .modinfo"));
}

/* Also when the kernel does not load one of them. */
static void test_twin_sections(void) {
    check_twins("a");
    check_twins("");
}

static void break_magic(struct module_file *file) {
    file->content.data[1] = 'F';
}
static void break_class(struct module_file *file) {
    header_of(file)->e_ident[EI_CLASS] = ELFCLASS32;
}
static void break_byte_order(struct module_file *file) {
    header_of(file)->e_ident[EI_DATA] = ELFDATA2MSB;
}
static void break_version(struct module_file *file) {
    header_of(file)->e_version = 7;
}
static void break_header_size(struct module_file *file) {
    header_of(file)->e_shentsize = 40;
}
static void no_sections(struct module_file *file) {
    header_of(file)->e_shnum = 0;
}
static void too_many_sections(struct module_file *file) {
    header_of(file)->e_shnum = 0xfeff;
}
static void headers_outside(struct module_file *file) {
    header_of(file)->e_shoff = UINT64_MAX - 64;
}
static void names_index_outside(struct module_file *file) {
    header_of(file)->e_shstrndx = header_of(file)->e_shnum;
}
static void names_not_strings(struct module_file *file) {
    header_of(file)->e_shstrndx = 1;
}
static void section_name_outside(struct module_file *file) {
    section_of(file, 1)->sh_name = UINT32_MAX;
}
static void section_offset_outside(struct module_file *file) {
    section_of(file, 1)->sh_offset = UINT64_MAX;
}
static void section_size_overflows(struct module_file *file) {
    section_of(file, 1)->sh_size = UINT64_MAX - section_of(file, 1)->sh_offset + 2;
}
static void names_without_end(struct module_file *file) {
    Elf64_Shdr *names = section_of(file, header_of(file)->e_shstrndx);
    names->sh_size--;
}
static void no_symbol_table(struct module_file *file) {
    section_of_type(file, SHT_SYMTAB)->sh_type = SHT_PROGBITS;
}
static void second_symbol_table(struct module_file *file) {
    *section_of(file, 1) = *section_of_type(file, SHT_SYMTAB);
}
static void odd_symbol_table(struct module_file *file) {
    section_of_type(file, SHT_SYMTAB)->sh_size -= 1;
}
static void odd_symbol_size(struct module_file *file) {
    section_of_type(file, SHT_SYMTAB)->sh_entsize = 0;
}
static void symbol_names_outside(struct module_file *file) {
    section_of_type(file, SHT_SYMTAB)->sh_link = 0xffff;
}
static void symbol_name_outside(struct module_file *file) {
    symbol_of(file, 2)->st_name = UINT32_MAX;
}
static void symbol_section_outside(struct module_file *file) {
    symbol_of(file, 2)->st_shndx = SHN_LORESERVE - 1;
}

/* Each section within the file, and all of them more than it. */
static void sections_over_each_other(struct module_file *file) {
    for (size_t i = 1; i < header_of(file)->e_shnum; i++)
        if (section_of(file, i)->sh_type == SHT_PROGBITS) {
            section_of(file, i)->sh_offset = 0;
            section_of(file, i)->sh_size = file->elf_size / 2;
        }
}
/* Every symbol has the table's first name, which is as long as the table. */
static void test_shared_names(void) {
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    AUTO_BUFFER struct buffer more = {.data = NULL};
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    struct error err = {.kind = ERROR_NONE};
    for (unsigned i = 0; i < 200; i++)
        CU_ASSERT_EQUAL_FATAL(buffer_printf(&more, ".globl s%u\n.quad s%u\n", i, i), 0);
    const struct module_fixture fixture = {.assembly = buffer_string(&more)};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&fixture, &file));
    CU_ASSERT_EQUAL(elf_module_open(&file, &elf, &err), 0);
    elf_module_close(&elf);
    const Elf64_Shdr *names = section_of(&file, section_of_type(&file, SHT_SYMTAB)->sh_link);
    memset(file.content.data + names->sh_offset, 'a', names->sh_size - 1);
    for (size_t i = 0; i < section_of_type(&file, SHT_SYMTAB)->sh_size / sizeof(Elf64_Sym); i++)
        symbol_of(&file, i)->st_name = 0;
    CU_ASSERT_EQUAL(elf_module_open(&file, &elf, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "names lie over each other"));
}

static void more_than_there_is_memory(struct module_file *file) {
    section_of_type(file, SHT_NOBITS)->sh_size = 3ULL << 30;
}
static void a_negative_size(struct module_file *file) {
    section_of_type(file, SHT_NOBITS)->sh_size = UINT64_MAX - 255;
}

static void test_broken(void) {
    static void (*const breaks[])(struct module_file *) = {
        more_than_there_is_memory,
        a_negative_size,
        sections_over_each_other,
        break_magic,
        break_class,
        break_byte_order,
        break_version,
        break_header_size,
        no_sections,
        too_many_sections,
        headers_outside,
        names_index_outside,
        names_not_strings,
        section_name_outside,
        section_offset_outside,
        section_size_overflows,
        names_without_end,
        no_symbol_table,
        second_symbol_table,
        odd_symbol_table,
        odd_symbol_size,
        symbol_names_outside,
        symbol_name_outside,
        symbol_section_outside,
    };
    for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
        AUTO_MODULE_FILE struct module_file file = {.name = NULL};
        struct elf_module elf;
        struct error err = {.kind = ERROR_NONE};
        CU_ASSERT_TRUE_FATAL(module_fixture_copy(&good, &file));
        breaks[i](&file);
        int rc = elf_module_open(&file, &elf, &err);
        if (rc != -EBADMSG)
            fprintf(stderr, "damage %zu was not seen\n", i);
        CU_ASSERT_EQUAL(rc, -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "fixture.ko"));
        CU_ASSERT_PTR_NULL(elf.handle);
    }
}

/* The section headers stand at the end, so no shorter file is whole. The copy is exact in size,
 * so that a sanitizer sees a read behind it. */
static void test_truncated(void) {
    for (size_t size = 0; size < good.elf_size; size++) {
        AUTO_FREE uint8_t *bytes = malloc(size + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
        memcpy(bytes, good.content.data, size);
        const struct module_file file = {.name = good.name,
                                         .content = {.data = bytes, .size = size, .capacity = size},
                                         .elf_size = size};
        struct elf_module elf;
        struct error err = {.kind = ERROR_NONE};
        int rc = elf_module_open(&file, &elf, &err);
        CU_ASSERT_EQUAL_FATAL(rc, -EBADMSG);
    }
}

static void test_identify(void) {
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(module_fixture_copy(&good, &file));
    struct elf_identity identity;
    file.content.data[EI_DATA] = ELFDATA2MSB;
    file.content.data[16] = 0;
    file.content.data[17] = ET_REL;
    file.content.data[18] = 0;
    file.content.data[19] = EM_S390;
    CU_ASSERT_EQUAL(elf_module_identify(&file, &identity, &err), 0);
    CU_ASSERT_EQUAL(identity.byte_order, ELFDATA2MSB);
    CU_ASSERT_EQUAL(identity.type, ET_REL);
    CU_ASSERT_EQUAL(identity.machine, EM_S390);
    file.elf_size = 19;
    CU_ASSERT_EQUAL(elf_module_identify(&file, &identity, &err), -EBADMSG);
}

static CU_TestInfo tests[] = {
    {"opened, sections found", test_open},
    {"symbols", test_symbols},
    {"build id", test_build_id},
    {"two sections of one name", test_twin_sections},
    {"each kind of damage", test_broken},
    {"names that many symbols share", test_shared_names},
    {"truncated at every byte", test_truncated},
    {"identity of any ELF file", test_identify},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "elf module",
         .pInitFunc = open_suite,
         .pCleanupFunc = close_suite,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
