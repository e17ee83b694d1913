#include "toolchain/kernel_config.h"

#include <CUnit/Basic.h>
#include <elf.h>
#include <string.h>

#include "test/unit/run_suites.h"

static const char *compression_of(const char *text, const char *release) {
    AUTO_KEYVALUE struct keyvalue config = {0};
    CU_ASSERT_EQUAL(keyvalue_parse(text, strlen(text), "config", false, &config, NULL), 0);
    return kernel_config_compression(&config, text, release);
}

static void test_before_6_12_the_algorithm_decides(void) {
    CU_ASSERT_STRING_EQUAL(compression_of("CONFIG_MODULE_COMPRESS_NONE=y\n", "6.1.0-47"), "none");
    CU_ASSERT_STRING_EQUAL(compression_of("CONFIG_MODULE_COMPRESS_GZIP=y\n", "6.1.0-47"), "gzip");
    CU_ASSERT_STRING_EQUAL(compression_of("CONFIG_MODULE_COMPRESS_XZ=y\n", "6.11.9"), "xz");
    CU_ASSERT_STRING_EQUAL(compression_of("CONFIG_MODULE_COMPRESS_ZSTD=y\n", "5.14.0-362.el9"),
                           "zstd");
    /* From 5.0 to 5.12 the same names stood below a switch. */
    CU_ASSERT_STRING_EQUAL(
        compression_of("CONFIG_MODULE_COMPRESS=y\nCONFIG_MODULE_COMPRESS_XZ=y\n", "5.10.0"), "xz");
    CU_ASSERT_STRING_EQUAL(compression_of("", "4.18.0"), "none");
}

static void test_from_6_12_all_decides(void) {
    const char *all = "CONFIG_MODULE_COMPRESS=y\nCONFIG_MODULE_COMPRESS_ZSTD=y\n"
                      "CONFIG_MODULE_COMPRESS_ALL=y\n";
    const char *not_all = "CONFIG_MODULE_COMPRESS=y\nCONFIG_MODULE_COMPRESS_ZSTD=y\n"
                          "# CONFIG_MODULE_COMPRESS_ALL is not set\n";
    const char *auto_conf = "CONFIG_MODULE_COMPRESS=y\nCONFIG_MODULE_COMPRESS_ZSTD=y\n";
    CU_ASSERT_STRING_EQUAL(compression_of(all, "6.12.95+deb12-amd64"), "zstd");
    CU_ASSERT_STRING_EQUAL(compression_of(not_all, "6.12.95+deb12-amd64"), "none");
    CU_ASSERT_STRING_EQUAL(compression_of(auto_conf, "6.12.95+deb12-amd64"), "none");
    CU_ASSERT_STRING_EQUAL(compression_of(auto_conf, "7.0.0"), "none");
    /* A vendor's older kernel that took the change over. */
    CU_ASSERT_STRING_EQUAL(compression_of(not_all, "6.8.0-1"), "none");
    CU_ASSERT_STRING_EQUAL(compression_of(auto_conf, "6.8.0-1"), "zstd");
}

static int read_facts(const char *text, struct keyvalue *config, struct kernel_config_facts *facts,
                      struct error *err) {
    CU_ASSERT_EQUAL(keyvalue_parse(text, strlen(text), "config", false, config, err), 0);
    return kernel_config_read(config, text, "6.1.0", "/x/.config", facts, err);
}

#define GCC "CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14) 12.2.0\"\n"

static void test_facts_are_read(void) {
    AUTO_KEYVALUE struct keyvalue config = {0};
    struct kernel_config_facts facts;
    struct error err = {0};
    CU_ASSERT_EQUAL(read_facts("CONFIG_ARM64=y\n" GCC "CONFIG_MODULE_SIG=y\n"
                               "CONFIG_MODULE_SIG_HASH=\"sha512\"\nCONFIG_MODULE_SIG_FORCE=y\n"
                               "CONFIG_MODVERSIONS=y\n",
                               &config, &facts, &err),
                    0);
    CU_ASSERT_STRING_EQUAL(facts.machine, "aarch64");
    CU_ASSERT_EQUAL(facts.elf_machine, EM_AARCH64);
    CU_ASSERT_STRING_EQUAL(facts.compiler, "gcc-12 (Debian 12.2.0-14) 12.2.0");
    CU_ASSERT_STRING_EQUAL(facts.signature_hash, "sha512");
    CU_ASSERT_TRUE(facts.signature_forced);
    CU_ASSERT_TRUE(facts.modversions);
    CU_ASSERT_FALSE(facts.extended_modversions);
    CU_ASSERT_FALSE(facts.p521);
    AUTO_KEYVALUE struct keyvalue newer = {0};
    CU_ASSERT_EQUAL(read_facts("CONFIG_X86_64=y\n" GCC "CONFIG_MODVERSIONS=y\n"
                               "CONFIG_BASIC_MODVERSIONS=y\n",
                               &newer, &facts, &err),
                    0);
    CU_ASSERT_TRUE(facts.extended_modversions);
}

static void test_what_is_off_is_off(void) {
    AUTO_KEYVALUE struct keyvalue config = {0};
    struct kernel_config_facts facts;
    struct error err = {0};
    CU_ASSERT_EQUAL(read_facts("CONFIG_X86_64=y\n" GCC "# CONFIG_MODULE_SIG is not set\n"
                               "CONFIG_MODULE_SIG_HASH=\"sha1\"\nCONFIG_MODVERSIONS=m\n",
                               &config, &facts, &err),
                    0);
    CU_ASSERT_STRING_EQUAL(facts.machine, "x86_64");
    CU_ASSERT_EQUAL(facts.elf_machine, EM_X86_64);
    CU_ASSERT_STRING_EQUAL(facts.signature_hash, "");
    CU_ASSERT_FALSE(facts.signature_forced);
    CU_ASSERT_FALSE(facts.modversions);
}

static bool fails(const char *text, enum error_kind kind, const char *words) {
    AUTO_KEYVALUE struct keyvalue config = {0};
    struct kernel_config_facts facts;
    struct error err = {0};
    int rc = read_facts(text, &config, &facts, &err);
    return rc < 0 && err.kind == kind && strstr(err.text, words) && strstr(err.text, "/x/.config");
}

static void test_what_is_missing_is_named(void) {
    CU_ASSERT_TRUE(fails("CONFIG_X86_64=y\n", ERROR_DAMAGED, "CONFIG_CC_VERSION_TEXT"));
    CU_ASSERT_TRUE(fails("CONFIG_X86_64=y\nCONFIG_CC_VERSION_TEXT=\"\"\n", ERROR_DAMAGED,
                         "CONFIG_CC_VERSION_TEXT"));
    CU_ASSERT_TRUE(fails("CONFIG_X86_64=y\n" GCC "CONFIG_MODULE_SIG=y\n", ERROR_DAMAGED,
                         "CONFIG_MODULE_SIG_HASH"));
    CU_ASSERT_TRUE(fails("CONFIG_PPC64=y\n" GCC, ERROR_REFUSED, "neither"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"before 6 12 the algorithm decides", test_before_6_12_the_algorithm_decides},
        {"from 6 12 all decides", test_from_6_12_all_decides},
        {"facts are read", test_facts_are_read},
        {"what is off is off", test_what_is_off_is_off},
        {"what is missing is named", test_what_is_missing_is_named},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "kernel_config", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
