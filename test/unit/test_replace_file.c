#include "builder/replace_file.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/log.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static char warning[1024];
static unsigned warnings;

static void remember(void *context, enum log_level level, const char *message) {
    (void)context;
    if (level != LOG_LEVEL_WARNING)
        return;
    warnings++;
    snprintf(warning, sizeof warning, "%s", message);
}

static void set_up(void) {
    warnings = 0;
    log_set_sink(remember, NULL);
}

static void tear_down(void) {
    log_set_sink(NULL, NULL);
}

static bool replace(const char *name, const char *text) {
    struct error err = {0};
    if (!replace_file(workdir_path(name), text, strlen(text), &err))
        return true;
    fprintf(stderr, "%s\n", err.text);
    return false;
}

static bool holds(const char *name, const char *text) {
    AUTO_BUFFER struct buffer content = {0};
    return workdir_read(name, &content) && content.size == strlen(text) &&
           memcmp(content.data, text, content.size) == 0;
}

static bool has_attribute(const char *name, const char *attribute, const char *value, size_t size) {
    char found[64];
    ssize_t got = getxattr(workdir_path(name), attribute, found, sizeof found);
    return got == (ssize_t)size && memcmp(found, value, size) == 0;
}

static bool set_attribute(const char *name, const char *attribute, const char *value, size_t size) {
    if (!setxattr(workdir_path(name), attribute, value, size, 0))
        return true;
    perror(attribute);
    return false;
}

static void test_attributes_stay(void) {
    struct stat st;
    CU_ASSERT_TRUE_FATAL(workdir_write("a", "old", 3));
    CU_ASSERT_TRUE(set_attribute("a", "user.origin", "team", 4));
    CU_ASSERT_TRUE(set_attribute("a", "user.empty", "", 0));
    CU_ASSERT_TRUE(set_attribute("a", "trusted.mark", "\0\1", 2));
    CU_ASSERT_EQUAL(chmod(workdir_path("a"), 0440), 0);
    CU_ASSERT_TRUE(replace("a", "new content"));
    CU_ASSERT_TRUE(holds("a", "new content"));
    CU_ASSERT_TRUE(has_attribute("a", "user.origin", "team", 4));
    CU_ASSERT_TRUE(has_attribute("a", "user.empty", "", 0));
    CU_ASSERT_TRUE(has_attribute("a", "trusted.mark", "\0\1", 2));
    CU_ASSERT_EQUAL_FATAL(stat(workdir_path("a"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0440);
    CU_ASSERT_EQUAL(warnings, 0);
}

/* The first byte says that a digest follows: IMA_XATTR_DIGEST. */
static void test_what_vouches_for_the_content_goes(void) {
    static const char digest[21] = {1, 2, 3};
    CU_ASSERT_TRUE_FATAL(workdir_write("ima", "old", 3));
    CU_ASSERT_TRUE(set_attribute("ima", "security.ima", digest, sizeof digest));
    CU_ASSERT_TRUE(set_attribute("ima", "user.origin", "team", 4));
    CU_ASSERT_TRUE(has_attribute("ima", "security.ima", digest, sizeof digest));
    CU_ASSERT_TRUE(replace("ima", "new"));
    CU_ASSERT_FALSE(has_attribute("ima", "security.ima", digest, sizeof digest));
    CU_ASSERT_TRUE(has_attribute("ima", "user.origin", "team", 4));
}

static void test_other_names_are_told(void) {
    CU_ASSERT_TRUE_FATAL(workdir_write("one", "old", 3));
    CU_ASSERT_EQUAL_FATAL(link(workdir_path("one"), workdir_path("two")), 0);
    CU_ASSERT_EQUAL_FATAL(link(workdir_path("one"), workdir_path("three")), 0);
    CU_ASSERT_TRUE(replace("two", "new"));
    CU_ASSERT_EQUAL(warnings, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(warning, workdir_path("two")));
    CU_ASSERT_PTR_NOT_NULL(strstr(warning, "hard links: 2"));
    CU_ASSERT_TRUE(holds("one", "old") && holds("two", "new") && holds("three", "old"));
    CU_ASSERT_TRUE(replace("two", "newer")); /* it has one name now */
    CU_ASSERT_EQUAL(warnings, 1);
}

static void test_failures(void) {
    struct error err = {0};
    AUTO_BUFFER struct buffer names = {0};
    CU_ASSERT_EQUAL(replace_file(workdir_path("nowhere"), "x", 1, &err), -ENOENT);
    CU_ASSERT_EQUAL(mkdir(workdir_path("folder"), 0755), 0);
    CU_ASSERT_EQUAL(replace_file(workdir_path("folder"), "x", 1, &err), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "folder"));
    CU_ASSERT_TRUE(workdir_output(&names, "ls", "-A", NULL));
    CU_ASSERT_PTR_NULL(strstr(buffer_string(&names), ".prebake-"));
}

static CU_TestInfo tests[] = {
    {"extended attributes and the mode stay", test_attributes_stay},
    {"what vouches for the old content goes", test_what_vouches_for_the_content_goes},
    {"of other hard links a warning tells", test_other_names_are_told},
    {"what can't be replaced", test_failures},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "replace file",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
