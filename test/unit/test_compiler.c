#include "toolchain/compiler.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/buffer.h"
#include "test/unit/empty_world.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define REST "(Debian 12.2.0-14+deb12u1) 12.2.0"
#define CLANG "Debian clang version 14.0.6"

static bool candidates_are(const char *version_text, const char *expected) {
    AUTO_STRLIST struct strlist names = {0};
    CU_ASSERT_EQUAL(compiler_candidates(version_text, &names), 0);
    AUTO_FREE char *joined = strlist_join(&names, " ");
    if (joined && !strcmp(joined, expected))
        return true;
    fprintf(stderr, "%s: %s\n", version_text, joined);
    return false;
}

static void test_candidates_begin_with_the_texts_own(void) {
    CU_ASSERT_TRUE(candidates_are("gcc-12 " REST, "gcc-12 gcc"));
    CU_ASSERT_TRUE(
        candidates_are("x86_64-linux-gnu-gcc-12 " REST, "x86_64-linux-gnu-gcc-12 gcc-12 gcc"));
    CU_ASSERT_TRUE(candidates_are("x86_64-linux-gnu-gcc-13 (Ubuntu 13.3.0-6ubuntu2) 13.3.0",
                                  "x86_64-linux-gnu-gcc-13 gcc-13 gcc"));
    CU_ASSERT_TRUE(candidates_are("gcc (GCC) 11.4.1 20230605 (Red Hat 11.4.1-2)", "gcc gcc-11"));
    CU_ASSERT_TRUE(candidates_are(CLANG, "clang-14 clang"));
    CU_ASSERT_TRUE(candidates_are("clang version 17.0.6 (Fedora 17.0.6-2.fc39)", "clang-17 clang"));
}

/* The text is the target's, the program would be run by root. */
static void test_no_other_program_is_a_candidate(void) {
    static const char *const texts[] = {"",
                                        "reboot (Debian) 12",
                                        "/tmp/gcc (Debian) 12",
                                        "../gcc-12 (Debian) 12",
                                        "-gcc (Debian) 12",
                                        "gcc-ar-12 (Debian) 12",
                                        "gcc-12;reboot (Debian) 12",
                                        "a b-gcc"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        CU_ASSERT_TRUE(candidates_are(texts[i], ""));
    struct compiler compiler = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(compiler_find("reboot (Debian) 12", true, &compiler, &err), -ENOTSUP);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
}

static bool finds(const char *version_text, const char *name) {
    AUTO_COMPILER struct compiler compiler = {0};
    struct error err = {0};
    if (compiler_find(version_text, false, &compiler, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    return !strcmp(compiler.name, name) && compiler.path[0] == '/' &&
           !strcmp(strrchr(compiler.path, '/') + 1, name);
}

/* The version line that an installed compiler prints. */
static void installed_version(const char *program, struct buffer *line) {
    AUTO_FREE char *command = NULL;
    CU_ASSERT_TRUE_FATAL(asprintf(&command, "LC_ALL=C %s --version", program) > 0);
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    char text[256] = "";
    CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof text, pipe));
    text[strcspn(text, "\n")] = '\0';
    CU_ASSERT_EQUAL(buffer_append_string(line, text), 0);
    CU_ASSERT_EQUAL(pclose(pipe), 0);
}

static void test_installed_compilers_are_found(void) {
    AUTO_BUFFER struct buffer gcc = {0}, clang = {0}, cross = {0};
    installed_version("gcc-12", &gcc);
    installed_version("clang", &clang);
    CU_ASSERT_TRUE(finds(buffer_string(&gcc), "gcc-12"));
    CU_ASSERT_TRUE(finds(buffer_string(&clang), "clang-14"));
    CU_ASSERT_EQUAL(buffer_printf(&cross, "no-such-triplet-%s", buffer_string(&gcc)), 0);
    CU_ASSERT_TRUE(finds(buffer_string(&cross), "gcc-12"));
}

static void test_another_version_is_named(void) {
    AUTO_COMPILER struct compiler compiler = {0};
    struct error err = {0};
    const char *wanted = "gcc-12 (Debian 12.1.0-1) 12.1.0";
    CU_ASSERT_EQUAL(compiler_find(wanted, false, &compiler, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, wanted));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "is 'gcc-12 (Debian 12.2.0-"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--allow-cc-mismatch"));
    CU_ASSERT_PTR_NULL(compiler.path);
    CU_ASSERT_EQUAL(compiler_find(wanted, true, &compiler, &err), 0);
    CU_ASSERT_STRING_EQUAL(compiler.name, "gcc-12");
    CU_ASSERT_EQUAL(strncmp(compiler.version, "gcc-12 (Debian 12.2.0-", 22), 0);
}

/* A gcc of the same number is no substitute for clang. */
static void test_clang_is_not_gcc(void) {
    AUTO_COMPILER struct compiler compiler = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(compiler_find("clang version 12.2.0", false, &compiler, &err), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "is '" CLANG));
}

static int find_gcc(struct error *err) {
    AUTO_COMPILER struct compiler compiler = {0};
    return compiler_find("x86_64-linux-gnu-gcc-12 " REST, true, &compiler, err);
}

static int find_clang(struct error *err) {
    AUTO_COMPILER struct compiler compiler = {0};
    return compiler_find(CLANG, true, &compiler, err);
}

static void test_a_missing_compiler_names_its_package(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(in_empty_world(find_gcc, "ID=debian\n", &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "apt-get install gcc-12"));
    CU_ASSERT_EQUAL(in_empty_world(find_clang, "ID=debian\n", &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "apt-get install clang-14"));
    CU_ASSERT_EQUAL(in_empty_world(find_gcc, "ID=fedora\n", &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "dnf install gcc"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"candidates begin with the texts own", test_candidates_begin_with_the_texts_own},
        {"no other program is a candidate", test_no_other_program_is_a_candidate},
        {"installed compilers are found", test_installed_compilers_are_found},
        {"another version is named", test_another_version_is_named},
        {"clang is not gcc", test_clang_is_not_gcc},
        {"a missing compiler names its package", test_a_missing_compiler_names_its_package},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "compiler", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
