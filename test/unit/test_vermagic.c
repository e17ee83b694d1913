#include "toolchain/vermagic.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "test/unit/run_suites.h"

#define DEFINE(symbol) "#define " symbol " 1\n"
#define MODULES DEFINE("CONFIG_SMP") DEFINE("CONFIG_MODULE_UNLOAD") DEFINE("CONFIG_MODVERSIONS")

static bool composes(const char *autoconf, const char *seed, const char *expected) {
    AUTO_FREE char *vermagic = vermagic_compose("1.2.3", autoconf, seed);
    if (vermagic && !strcmp(vermagic, expected))
        return true;
    fprintf(stderr, "got '%s' for\n%s", vermagic, autoconf);
    return false;
}

static void test_an_installed_kernels_header_gives_its_vermagic(void) {
    AUTO_BUFFER struct buffer autoconf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL_FATAL(file_read_path("/usr/src/linux-headers-6.1.0-47-cloud-amd64/include/"
                                         "generated/autoconf.h",
                                         4 << 20, &autoconf, &err),
                          0);
    CU_ASSERT_TRUE(
        composes(buffer_string(&autoconf), NULL, "1.2.3 SMP preempt mod_unload modversions "));
    CU_ASSERT_PTR_NULL(vermagic_seed_header(buffer_string(&autoconf)));
}

static void test_each_word_has_its_symbol(void) {
    CU_ASSERT_TRUE(composes("", NULL, "1.2.3 "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_SMP"), NULL, "1.2.3 SMP "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_MODULE_UNLOAD"), NULL, "1.2.3 mod_unload "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_MODVERSIONS"), NULL, "1.2.3 modversions "));
    CU_ASSERT_TRUE(composes(MODULES, NULL, "1.2.3 SMP mod_unload modversions "));
    CU_ASSERT_TRUE(
        composes(MODULES DEFINE("CONFIG_X86_64"), NULL, "1.2.3 SMP mod_unload modversions "));
    CU_ASSERT_TRUE(
        composes(MODULES DEFINE("CONFIG_ARM64"), NULL, "1.2.3 SMP mod_unload modversions aarch64"));
}

static void test_preemption_has_one_word(void) {
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_PREEMPT_BUILD"), NULL, "1.2.3 preempt "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_PREEMPT_BUILD") DEFINE("CONFIG_PREEMPTION"), NULL,
                            "1.2.3 preempt "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_PREEMPTION") DEFINE("CONFIG_PREEMPT_RT"), NULL,
                            "1.2.3 preempt_rt "));
    /* Debian's real-time kernel of 6.12 has both. */
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_PREEMPT_RT") DEFINE("CONFIG_PREEMPT_BUILD"), NULL,
                            "1.2.3 preempt "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_PREEMPT"), NULL, "1.2.3 preempt "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_PREEMPTION"), NULL, "1.2.3 "));
    CU_ASSERT_TRUE(composes(DEFINE("CONFIG_PREEMPT_VOLUNTARY") DEFINE("CONFIG_PREEMPT_COUNT"), NULL,
                            "1.2.3 "));
}

static void test_the_layout_seed_comes_last(void) {
    const char *now =
        DEFINE("CONFIG_ARM64") DEFINE("CONFIG_RANDSTRUCT") DEFINE("CONFIG_GCC_PLUGIN_RANDSTRUCT");
    CU_ASSERT_STRING_EQUAL(vermagic_seed_header(now), "randstruct_hash.h");
    CU_ASSERT_TRUE(composes(now, "5eed", "1.2.3 aarch64RANDSTRUCT_5eed"));
    const char *before = DEFINE("CONFIG_SMP") DEFINE("CONFIG_GCC_PLUGIN_RANDSTRUCT");
    CU_ASSERT_STRING_EQUAL(vermagic_seed_header(before), "randomize_layout_hash.h");
    CU_ASSERT_TRUE(composes(before, "5eed", "1.2.3 SMP RANDSTRUCT_PLUGIN_5eed"));
}

static void test_only_a_whole_directive_defines(void) {
    CU_ASSERT_TRUE(vermagic_defines("#define CONFIG_SMP 1", "CONFIG_SMP"));
    CU_ASSERT_TRUE(vermagic_defines("\n#define CONFIG_SMP", "CONFIG_SMP"));
    CU_ASSERT_FALSE(vermagic_defines("#define CONFIG_SMP_X 1\n", "CONFIG_SMP"));
    CU_ASSERT_FALSE(vermagic_defines("#define CONFIG_SMP_MODULE 1\n", "CONFIG_SMP"));
    CU_ASSERT_FALSE(vermagic_defines("/* #define CONFIG_SMP 1 */\n", "CONFIG_SMP"));
    CU_ASSERT_FALSE(vermagic_defines("#undef CONFIG_SMP\n", "CONFIG_SMP"));
    CU_ASSERT_FALSE(vermagic_defines("", "CONFIG_SMP"));
}

static void test_a_string_macro_is_read_or_refused(void) {
    AUTO_FREE char *release =
        vermagic_string_macro("#define UTS_RELEASE \"6.1.0-47-cloud-amd64\"\n", "UTS_RELEASE");
    CU_ASSERT_STRING_EQUAL(release, "6.1.0-47-cloud-amd64");
    CU_ASSERT_PTR_NULL(vermagic_string_macro("#define UTS_RELEASE 6.1\n", "UTS_RELEASE"));
    CU_ASSERT_PTR_NULL(vermagic_string_macro("#define UTS_RELEASE \"6.1\n", "UTS_RELEASE"));
    CU_ASSERT_PTR_NULL(vermagic_string_macro("#define UTS_RELEASE \"6.1", "UTS_RELEASE"));
    CU_ASSERT_PTR_NULL(vermagic_string_macro("#define UTS_RELEASE", "UTS_RELEASE"));
    CU_ASSERT_PTR_NULL(vermagic_string_macro("#define UTS_VERSION \"#1\"\n", "UTS_RELEASE"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"an installed kernels header gives its vermagic",
         test_an_installed_kernels_header_gives_its_vermagic},
        {"each word has its symbol", test_each_word_has_its_symbol},
        {"preemption has one word", test_preemption_has_one_word},
        {"the layout seed comes last", test_the_layout_seed_comes_last},
        {"only a whole directive defines", test_only_a_whole_directive_defines},
        {"a string macro is read or refused", test_a_string_macro_is_read_or_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "vermagic", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
