#include <CUnit/Basic.h>
#include <stdint.h>
#include <string.h>

#include "test/unit/run_suites.h"

#include "kmod/lifecycle/mtree_text.h"

static void check_escaped(const char *name, const char *text) {
    AUTO_BUFFER struct buffer out = {0};
    CU_ASSERT_EQUAL(mtree_text_escape(&out, name), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&out), text);
}

static void test_unusual_bytes_become_octal(void) {
    check_escaped("", "");
    check_escaped("/usr/src/a_b-1.2+c,d:e@f%", "/usr/src/a_b-1.2+c,d:e@f%");
    check_escaped("a b", "a\\040b");
    check_escaped("#x=\\*?[]~", "\\043x\\075\\134\\052\\077\\133\\135\\176");
    check_escaped("\n\x01\xc3\xa9\xff", "\\012\\001\\303\\251\\377");
}

static void test_every_byte_comes_back(void) {
    char name[256], back[256];
    for (size_t i = 0; i < 255; i++)
        name[i] = (char)(i + 1);
    name[255] = '\0';
    AUTO_BUFFER struct buffer text = {0};
    CU_ASSERT_EQUAL(mtree_text_escape(&text, name), 0);
    CU_ASSERT_TRUE(mtree_text_unescape(buffer_string(&text), back, sizeof back));
    CU_ASSERT_STRING_EQUAL(back, name);
    CU_ASSERT_FALSE(mtree_text_unescape(buffer_string(&text), back, sizeof back - 1));
}

static void test_other_spellings_are_refused(void) {
    static const char *const texts[] = {
        "\\000", "\\",   "\\1",   "\\04", "\\400", "\\777", "\\08a", "\\057", /* '/' */
        "\\141",                                                              /* 'a' */
        "\\s",   "\\\\", "\\M-C", "a b",  "a#",    "\xc3",  "a=b",   "\\n",   "\\0400\\",
    };
    char out[64];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CU_ASSERT_FALSE(mtree_text_unescape(texts[i], out, sizeof out));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"unusual bytes become octal", test_unusual_bytes_become_octal},
        {"every byte comes back", test_every_byte_comes_back},
        {"other spellings are refused", test_other_spellings_are_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "mtree_text", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
