#include "kmod/module/module_facts.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static void test_facts(void) {
    const struct module_fixture fixture = {
        .modinfo = {"name=nvidia_drm", "version=535.261.03", "srcversion=ABC",
                    "vermagic=" FIXTURE_VERMAGIC, "license=Dual MIT/GPL", "alias=pci:1",
                    "depends=nvidia,nvidia-modeset"},
        .assembly = ".section .modinfo, \"a\"\n.asciz \"alias=pci:2\"\n"};
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    AUTO_MODULE_FACTS struct module_facts facts = {.name = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&fixture, &file));
    CU_ASSERT_EQUAL_FATAL(module_facts_read(&file, &facts, &err), 0);
    CU_ASSERT_STRING_EQUAL(facts.name, "nvidia_drm");
    CU_ASSERT_STRING_EQUAL(facts.version, "535.261.03");
    CU_ASSERT_STRING_EQUAL(facts.srcversion, "ABC");
    CU_ASSERT_STRING_EQUAL(facts.vermagic, FIXTURE_VERMAGIC);
    CU_ASSERT_STRING_EQUAL(facts.licence, "Dual MIT/GPL");
    CU_ASSERT_STRING_EQUAL(facts.build_id, "deadbeef");
    CU_ASSERT_EQUAL_FATAL(facts.aliases.count, 2);
    CU_ASSERT_STRING_EQUAL(facts.aliases.items[0], "pci:1");
    CU_ASSERT_STRING_EQUAL(facts.aliases.items[1], "pci:2");
    CU_ASSERT_EQUAL_FATAL(facts.depends.count, 2);
    CU_ASSERT_STRING_EQUAL(facts.depends.items[0], "nvidia");
    CU_ASSERT_STRING_EQUAL(facts.depends.items[1], "nvidia-modeset");
}

static void test_absent(void) {
    const struct module_fixture fixture = {.modinfo = {"depends="}};
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    AUTO_MODULE_FACTS struct module_facts facts = {.name = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&fixture, &file));
    CU_ASSERT_EQUAL_FATAL(module_facts_read(&file, &facts, &err), 0);
    CU_ASSERT_STRING_EQUAL(facts.name, "");
    CU_ASSERT_STRING_EQUAL(facts.version, "");
    CU_ASSERT_EQUAL(facts.aliases.count, 0);
    CU_ASSERT_EQUAL(facts.depends.count, 0);
}

static void test_damaged(void) {
    const struct module_fixture fixture = FIXTURE_GOOD;
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    struct module_facts facts;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&fixture, &file));
    file.elf_size /= 2;
    CU_ASSERT_EQUAL(module_facts_read(&file, &facts, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NULL(facts.build_id);
}

/* A build id note whose descriptor is longer than its section. */
static void test_build_id_outside(void) {
    const struct module_fixture fixture = FIXTURE_GOOD;
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    struct module_facts facts;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&fixture, &file));
    static const uint8_t note[] = {4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
    uint8_t *place = memmem(file.content.data, file.elf_size, note, sizeof(note));
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    place[4] = 5;
    CU_ASSERT_EQUAL(module_facts_read(&file, &facts, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "build id"));
}

static CU_TestInfo tests[] = {
    {"all facts", test_facts},
    {"absent ones are empty", test_absent},
    {"a damaged file", test_damaged},
    {"a build id that leads out", test_build_id_outside},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "module facts",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
