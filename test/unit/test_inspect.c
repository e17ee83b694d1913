#include "builder/inspect.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "builder/json_text.h"
#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static json_t *inspect_fixture(const struct module_fixture *fixture) {
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    json_t *value = NULL;
    struct error err = {.kind = ERROR_NONE};
    if (module_fixture_make(fixture, &file) && inspect_module(&file, NULL, &value, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    return value;
}

/* What is at `key` of `object`, as JSON text. */
static bool is(const json_t *object, const char *key, const char *expected) {
    AUTO_FREE char *text =
        json_dumps(json_object_get(object, key), JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    bool ok = text && strcmp(text, expected) == 0;
    if (!ok)
        fprintf(stderr, "%s is %s\n", key, text ? text : "missing");
    return ok;
}

static void test_all(void) {
    const struct module_fixture fixture = {
        .modinfo = {"name=m", "license=GPL", "odd"},
        .imports = {{.name = FIXTURE_ALPHA}, {.name = "gone", .weak = true}},
        .versions = {{.name = FIXTURE_ALPHA, .crc = FIXTURE_ALPHA_CRC}},
        .exports = {{.name = "two", .crc = 2, .gpl_only = true, .name_space = "S"},
                    {.name = "one", .without_crc = true}}};
    AUTO_JSON json_t *module = inspect_fixture(&fixture);
    CU_ASSERT_PTR_NOT_NULL_FATAL(module);
    CU_ASSERT_TRUE(is(module, "compression", "\"none\""));
    CU_ASSERT_TRUE(is(module, "build_id", "\"deadbeef\""));
    CU_ASSERT_TRUE(is(module, "signature", "null"));
    CU_ASSERT_TRUE(
        is(module, "modinfo", "[[\"name\",\"m\"],[\"license\",\"GPL\"],[\"odd\",\"\"]]"));
    CU_ASSERT_TRUE(is(module, "exports",
                      "[{\"crc\":null,\"gpl_only\":false,\"namespace\":\"\",\"symbol\":\"one\"},"
                      "{\"crc\":\"0x00000002\",\"gpl_only\":true,\"namespace\":\"S\","
                      "\"symbol\":\"two\"}]"));
    CU_ASSERT_TRUE(is(module, "imports",
                      "[{\"crc\":\"0x0a0a0a0a\",\"symbol\":\"alpha\",\"weak\":false},"
                      "{\"crc\":null,\"symbol\":\"gone\",\"weak\":true}]"));
    CU_ASSERT_TRUE(is(module, "packing", "null"));
    CU_ASSERT_TRUE(is(module, "versions",
                      "[{\"crc\":\"0xca916cb2\",\"symbol\":\"module_layout\"},"
                      "{\"crc\":\"0x0a0a0a0a\",\"symbol\":\"alpha\"}]"));
    CU_ASSERT_TRUE(is(module, "extended_versions", "[]"));
    const json_t *first = json_array_get(json_object_get(module, "sections"), 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "name")), ".text");
}

/* The size of .bss is what it takes in memory. */
static void test_bss(void) {
    const struct module_fixture fixture = {.assembly = ".bss\n.zero 4096\n"};
    AUTO_JSON json_t *module = inspect_fixture(&fixture);
    const json_t *sections = json_object_get(module, "sections");
    bool found = false;
    for (size_t i = 0; i < json_array_size(sections); i++) {
        const json_t *section = json_array_get(sections, i);
        if (strcmp(json_string_value(json_object_get(section, "name")), ".bss") == 0)
            found = json_integer_value(json_object_get(section, "size")) == 4096;
    }
    CU_ASSERT_TRUE(found);
}

static void test_damaged(void) {
    const struct module_fixture fixture = FIXTURE_GOOD;
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    json_t *value;
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_TRUE_FATAL(module_fixture_make(&fixture, &file));
    file.elf_size -= 1;
    CU_ASSERT_EQUAL(inspect_module(&file, NULL, &value, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NULL(value);
}

static CU_TestInfo tests[] = {
    {"everything there is", test_all},
    {"size of .bss", test_bss},
    {"a damaged file", test_damaged},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "inspect",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
