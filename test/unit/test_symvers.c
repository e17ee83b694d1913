#include "kmod/module/symvers.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "test/unit/run_suites.h"

#define REAL_SYMVERS "/usr/src/linux-headers-6.1.0-47-cloud-amd64/Module.symvers"

static void test_columns(void) {
    static const char text[] = "0x4c9d28b0\tphys_base\tvmlinux\tEXPORT_SYMBOL\t\n"
                               "0xa351f379\tput\tdrivers/gpu/drm/drm\tEXPORT_SYMBOL_GPL\tDRM\n"
                               "0x00000000\told\tkernel/old\tEXPORT_SYMBOL\n"
                               "0x00000001\tlast\tvmlinux\tEXPORT_UNUSED_SYMBOL_GPL";
    AUTO_SYMVERS struct symvers symvers = {.text = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(symvers_parse(text, sizeof(text) - 1, "x", &symvers, &err), 0);
    CU_ASSERT_EQUAL_FATAL(symvers.exports.count, 4);
    const struct export *at = symvers.exports.items;
    CU_ASSERT_STRING_EQUAL(at[0].name, "phys_base");
    CU_ASSERT_STRING_EQUAL(at[0].owner, "vmlinux");
    CU_ASSERT_STRING_EQUAL(at[0].name_space, "");
    CU_ASSERT_EQUAL(at[0].crc, 0x4c9d28b0);
    CU_ASSERT_EQUAL(at[0].sibling, EXPORT_FROM_KERNEL);
    CU_ASSERT_FALSE(at[0].gpl_only);
    CU_ASSERT_STRING_EQUAL(at[1].owner, "drm");
    CU_ASSERT_STRING_EQUAL(at[1].name_space, "DRM");
    CU_ASSERT_EQUAL(at[1].crc, 0xa351f379);
    CU_ASSERT_TRUE(at[1].gpl_only);
    CU_ASSERT_STRING_EQUAL(at[2].name_space, "");
    CU_ASSERT_FALSE(at[2].gpl_only);
    CU_ASSERT_STRING_EQUAL(at[3].name, "last");
    CU_ASSERT_TRUE(at[3].gpl_only);
}

static void test_broken(void) {
    static const char *const broken[] = {
        "phys_base\n",
        "0x1\tname\tvmlinux\n",
        "4c9d28b0\tname\tvmlinux\tEXPORT_SYMBOL\t\n",
        "0x\tname\tvmlinux\tEXPORT_SYMBOL\t\n",
        "0x1z\tname\tvmlinux\tEXPORT_SYMBOL\t\n",
        "0x123456789\tname\tvmlinux\tEXPORT_SYMBOL\t\n",
        "0x1\t\tvmlinux\tEXPORT_SYMBOL\t\n",
        "0x1\tname\tvmlinux\tEXPORT_SYMBOLS\t\n",
        "0x1\tname\tvmlinux\t\t\n",
        "\n",
    };
    static const char good[] = "0x1\tgood\tvmlinux\tEXPORT_SYMBOL\t\n";
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        AUTO_BUFFER struct buffer text = {.data = NULL};
        CU_ASSERT_EQUAL(buffer_printf(&text, "%s%s%s", good, broken[i], good), 0);
        struct symvers symvers;
        struct error err = {.kind = ERROR_NONE};
        CU_ASSERT_EQUAL(symvers_parse(buffer_string(&text), text.size, "K/symvers", &symvers, &err),
                        -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "K/symvers, line 2:"));
        CU_ASSERT_PTR_NULL(symvers.text);
    }
}

static void test_nul_and_empty(void) {
    AUTO_SYMVERS struct symvers symvers = {.text = NULL};
    struct error err = {.kind = ERROR_NONE};
    CU_ASSERT_EQUAL(symvers_parse("0x1\0", 4, "x", &symvers, &err), -EBADMSG);
    CU_ASSERT_EQUAL(symvers_parse("", 0, "x", &symvers, &err), 0);
    CU_ASSERT_EQUAL(symvers.exports.count, 0);
}

/* The real file, counted and looked up independently of the parser. */
static void test_real(void) {
    AUTO_BUFFER struct buffer text = {.data = NULL};
    AUTO_SYMVERS struct symvers symvers = {.text = NULL};
    struct error err = {.kind = ERROR_NONE};
    int rc = file_read_path(REAL_SYMVERS, 64UL << 20, &text, &err);
    if (rc < 0)
        fprintf(stderr, "%s (install linux-headers-6.1.0-47-cloud-amd64)\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL_FATAL(
        symvers_parse(buffer_string(&text), text.size, REAL_SYMVERS, &symvers, &err), 0);
    size_t lines = 0;
    for (const char *at = buffer_string(&text); (at = strchr(at, '\n')); at++)
        lines++;
    CU_ASSERT_TRUE(lines > 10000);
    CU_ASSERT_EQUAL(symvers.exports.count, lines);
    CU_ASSERT_EQUAL_FATAL(export_table_sort(&symvers.exports), 0);
    const struct export *layout = export_table_find(&symvers.exports, "module_layout", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(layout);
    const char *line = strstr(buffer_string(&text), "\tmodule_layout\t");
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    CU_ASSERT_EQUAL(layout->crc, strtoul(line - 10, NULL, 16));
    CU_ASSERT_STRING_EQUAL(layout->owner, "vmlinux");
}

static CU_TestInfo tests[] = {
    {"columns", test_columns},
    {"lines that are none", test_broken},
    {"a NUL byte; nothing", test_nul_and_empty},
    {"the real Module.symvers", test_real},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "symvers", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
