#include <CUnit/Basic.h>
#include <elf.h>
#include <string.h>

#include "kmod/system/ld_so_conf.h"
#include "kmod/system/library_path.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void check_list(const struct strlist *items, const char *expected) {
    AUTO_FREE char *joined = strlist_join(items, " ");
    CU_ASSERT_STRING_EQUAL(joined, expected);
}

static void check_folders(const char *expected) {
    AUTO_STRLIST struct strlist folders = {0};
    CU_ASSERT_EQUAL(ld_so_conf_folders(&root, &folders, &err), 0);
    check_list(&folders, expected);
}

static void test_no_configuration(void) {
    check_folders("");
}

static void test_lines(void) {
    scratch_root_write(&root, "/etc/ld.so.conf",
                       "# comment\n\n\t/opt/a  \n/opt/b#c\nhwcap 0 nosegneg\r\n/opt/last");
    check_folders("/opt/a /opt/b /opt/last");
}

static void test_includes_in_order(void) {
    scratch_root_write(&root, "/etc/ld.so.conf",
                       "/first\ninclude ld.so.conf.d/*.conf\tmore/x none/*\n/last\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/b.conf", "/b\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/a.conf", "include inner.txt\n/a\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/inner.txt", "/inner\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/.hidden.conf", "/hidden\n");
    scratch_root_write(&root, "/etc/more/x", "/x\n");
    check_folders("/first /inner /a /b /x /last");
}

static void test_links_stay_inside(void) {
    scratch_root_write(&root, "/etc/ld.so.conf", "include /etc/ld.so.conf.d/*\n");
    scratch_root_write(&root, "/inside", "/from/inside\n");
    scratch_root_link(&root, "/etc/ld.so.conf.d/1", "/inside");
    scratch_root_link(&root, "/etc/ld.so.conf.d/2", "/../../../etc/ld.so.conf.d/libc.conf");
    check_folders("/from/inside");
}

static void test_endless_includes(void) {
    AUTO_STRLIST struct strlist folders = {0};
    scratch_root_write(&root, "/etc/ld.so.conf", "include ld.so.conf ld.so.conf\n");
    CU_ASSERT_EQUAL(ld_so_conf_folders(&root, &folders, &err), -ELOOP);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

static void test_builtin_folders(void) {
    AUTO_STRLIST struct strlist wide = {0}, narrow = {0};
    CU_ASSERT_EQUAL(ld_so_conf_builtin_folders(ELFCLASS64, EM_X86_64, &wide, &err), 0);
    check_list(&wide, "/lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /lib64 /usr/lib64 /lib "
                      "/usr/lib");
    CU_ASSERT_EQUAL(ld_so_conf_builtin_folders(ELFCLASS32, EM_SPARC, &narrow, &err), 0);
    check_list(&narrow, "/lib /usr/lib");
}

static void test_library_paths(void) {
    AUTO_STRLIST struct strlist folders = {0};
    CU_ASSERT_EQUAL(library_path_folders(NULL, "/o", &folders), 0);
    CU_ASSERT_EQUAL(library_path_folders("", "/o", &folders), 0);
    CU_ASSERT_EQUAL(
        library_path_folders("/a:$ORIGIN/b::rel:${ORIGIN}:/x/$LIB:$:/z", "/o", &folders), 0);
    check_list(&folders, "/a /o/b /o /z");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no configuration", test_no_configuration},
        {"lines", test_lines},
        {"includes in order", test_includes_in_order},
        {"links stay inside", test_links_stay_inside},
        {"endless includes", test_endless_includes},
        {"built-in folders", test_builtin_folders},
        {"library paths", test_library_paths},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "ld.so.conf", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
