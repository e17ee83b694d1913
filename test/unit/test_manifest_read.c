#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "kmod/lifecycle/manifest_read.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define DIGEST "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"
#define HEAD "#mtree\n. type=dir\n"
#define DIR_WORDS " type=dir mode=0755 uid=0 gid=0"
#define FILE_WORDS " type=file mode=0644 uid=0 gid=0 size=2 time=1.000000000 sha256digest=" DIGEST
#define LINK_WORDS " type=link mode=0777 uid=0 gid=0 link=x time=1.000000000"

static struct root root = ROOT_INIT;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static int parse(const char *text, size_t size, struct error *err) {
    AUTO_MANIFEST struct manifest manifest = {0};
    *err = (struct error){0};
    return manifest_parse(text, size, "manifest", &manifest, err);
}

static void check_bad(const char *text, enum error_kind kind, unsigned line) {
    struct error err;
    char where[32];
    snprintf(where, sizeof where, "line %u:", line);
    bool refused = parse(text, strlen(text), &err) != 0;
    if (!refused || err.kind != kind || !strstr(err.text, where)) {
        fprintf(stderr, "%s\n-> %s\n", text, err.text);
        CU_FAIL("not refused as it should be");
    }
}

static void check_good(const char *text) {
    struct error err;
    if (parse(text, strlen(text), &err)) {
        fprintf(stderr, "%s\n-> %s\n", text, err.text);
        CU_FAIL("not taken");
    }
}

static void test_plain_lines_are_taken(void) {
    check_good(HEAD);
    check_good(HEAD "./a" DIR_WORDS "\n./a/b" FILE_WORDS "\n./a/c" LINK_WORDS "\n");
    check_good(HEAD "./a type=dir\n./a-b type=dir\n./a/b" FILE_WORDS "\n");
}

static void test_paths_that_lead_out_are_refused(void) {
    check_bad(HEAD "/etc/passwd" FILE_WORDS "\n", ERROR_REFUSED, 3);
    check_bad(HEAD "etc" DIR_WORDS "\n", ERROR_REFUSED, 3);
    check_bad(HEAD "../etc" DIR_WORDS "\n", ERROR_REFUSED, 3);
    check_bad(HEAD "./../etc" DIR_WORDS "\n", ERROR_REFUSED, 3);
    check_bad(HEAD "./a type=dir\n./a/.." DIR_WORDS "\n", ERROR_REFUSED, 4);
    check_bad(HEAD "./.\\056" DIR_WORDS "\n", ERROR_DAMAGED, 3);
    check_bad(HEAD ".//etc" DIR_WORDS "\n", ERROR_REFUSED, 3);
    check_bad(HEAD "./etc/" DIR_WORDS "\n", ERROR_REFUSED, 3);
    check_bad(HEAD "./" DIR_WORDS "\n", ERROR_REFUSED, 3);
    check_bad("#mtree\n." DIR_WORDS "\n", ERROR_REFUSED, 2);
    check_bad(HEAD "/set type=file\n", ERROR_REFUSED, 3);
    check_bad(HEAD "..\n", ERROR_REFUSED, 3);
}

static void test_what_is_below_a_link_or_file_is_refused(void) {
    check_bad(HEAD "./a" LINK_WORDS "\n./a/b" FILE_WORDS "\n", ERROR_REFUSED, 4);
    check_bad(HEAD "./a" FILE_WORDS "\n./a/b" FILE_WORDS "\n", ERROR_REFUSED, 4);
    check_bad(HEAD "./a/b" FILE_WORDS "\n", ERROR_REFUSED, 3);
    check_bad("#mtree\n./a" FILE_WORDS "\n", ERROR_REFUSED, 2);
}

static void test_damaged_lines_are_named(void) {
    check_bad("", ERROR_DAMAGED, 1);
    check_bad("mtree\n", ERROR_DAMAGED, 1);
    check_bad("#mtree", ERROR_DAMAGED, 1);
    check_bad(HEAD "./a" FILE_WORDS, ERROR_DAMAGED, 3);
    check_bad(HEAD "./a type=file mode=0644 uid=0 gid=0 size=2 ti", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a type=dir\n./a type=dir\n", ERROR_DAMAGED, 4);
    check_bad(HEAD "./b" FILE_WORDS "\n./a" FILE_WORDS "\n", ERROR_DAMAGED, 4);
    check_bad(HEAD "./a" FILE_WORDS "\n./a" FILE_WORDS "\n", ERROR_DAMAGED, 4);
    check_bad(HEAD HEAD, ERROR_REFUSED, 3);
    check_bad(HEAD "./a\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "\n", ERROR_REFUSED, 3);
}

static void test_keywords_are_exactly_those_of_the_type(void) {
    check_bad(HEAD "./a type=file mode=0644 uid=0 gid=0\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a type=file\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a mode=0755\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a" DIR_WORDS " size=0\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a" DIR_WORDS " mode=0755\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a" DIR_WORDS " optional\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a" DIR_WORDS " inode=7\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a" DIR_WORDS " \n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a  type=dir\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a type=dir\r\n", ERROR_DAMAGED, 3);
    check_bad(HEAD "./a type=block mode=0644 uid=0 gid=0\n", ERROR_DAMAGED, 3);
}

static void test_values_are_checked(void) {
    static const char *const words[] = {
        "type=dir mode=10000 uid=0 gid=0",
        "type=dir mode=0788 uid=0 gid=0",
        "type=dir mode= uid=0 gid=0",
        "type=dir mode=u+s uid=0 gid=0",
        "type=dir mode=0755 uid=-1 gid=0",
        "type=dir mode=0755 uid=4294967295 gid=0",
        "type=dir mode=0755 uid=0 gid=0x0",
        "type=dir mode=0755 uid=0 gid=99999999999999999999999",
        "type=link mode=0777 uid=0 gid=0 link= time=1.000000000",
        "type=link mode=0777 uid=0 gid=0 link=a\\000 time=1.000000000",
        "type=link mode=0777 uid=0 gid=0 link=x time=1",
        "type=link mode=0777 uid=0 gid=0 link=x time=1.5",
        "type=link mode=0777 uid=0 gid=0 link=x time=.000000000",
        "type=link mode=0777 uid=0 gid=0 link=x time=-.000000000",
        "type=link mode=0777 uid=0 gid=0 link=x time=1.-00000000",
        "type=link mode=0777 uid=0 gid=0 link=x time=9999999999999999999.000000000",
        "type=link mode=0777 uid=0 gid=0 link=x time=99999999999999999999999999.000000000",
        "type=file mode=0644 uid=0 gid=0 size=9223372036854775808 time=1.000000000 "
        "sha256digest=" DIGEST,
        "type=file mode=0644 uid=0 gid=0 size=2 time=1.000000000 sha256digest=abc",
        "type=file mode=0644 uid=0 gid=0 size=2 time=1.000000000 sha256digest=" DIGEST "0",
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        AUTO_BUFFER struct buffer text = {0};
        CU_ASSERT_EQUAL(buffer_printf(&text, HEAD "./a %s\n", words[i]), 0);
        check_bad(buffer_string(&text), ERROR_DAMAGED, 3);
    }
}

static void test_NUL_bytes_are_damage(void) {
    static const char text[] = HEAD "./a\0" DIR_WORDS "\n";
    struct error err;
    CU_ASSERT_NOT_EQUAL(parse(text, sizeof text - 1, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    static const char second[] = HEAD "./a" DIR_WORDS "\n\0\n";
    CU_ASSERT_NOT_EQUAL(parse(second, sizeof second - 1, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

static void test_overlong_lines_are_damage(void) {
    AUTO_BUFFER struct buffer text = {0};
    struct error err;
    int rc = buffer_append_string(&text, HEAD "./a");
    for (int i = 0; !rc && i < 100000; i++)
        rc = buffer_append_string(&text, "/a");
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(buffer_append_string(&text, DIR_WORDS "\n"), 0);
    CU_ASSERT_NOT_EQUAL(parse(buffer_string(&text), text.size, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "too long"));
}

static void test_a_hundred_thousand_lines_are_refused(void) {
    AUTO_BUFFER struct buffer text = {0};
    struct error err;
    int rc = buffer_append_string(&text, HEAD "./a type=dir\n");
    for (int i = 0; !rc && i < 100000; i++)
        rc = buffer_printf(&text, "./a/%06d" DIR_WORDS "\n", i);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(parse(buffer_string(&text), text.size, &err), -E2BIG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, buffer_string(&text));
    AUTO_MANIFEST struct manifest manifest = {0};
    CU_ASSERT_NOT_EQUAL(manifest_read(&root, &manifest, NULL, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(manifest.count, 0);
}

static void check_read_refused(const char *fact) {
    AUTO_MANIFEST struct manifest manifest = {0};
    struct error err = {0};
    CU_ASSERT_NOT_EQUAL(manifest_read(&root, &manifest, NULL, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fact));
}

static void test_a_manifest_of_others_is_refused(void) {
    const char *file = scratch_root_host(&root, STATE_FOLDER_MANIFEST);
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, HEAD);
    CU_ASSERT_EQUAL(chown(file, 65534, 0), 0);
    check_read_refused("not owned by root");
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, HEAD);
    chmod(file, 0664);
    check_read_refused("writable by group");
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, HEAD);
    CU_ASSERT_EQUAL(link(file, scratch_root_host(&root, "/copy")), 0);
    check_read_refused("hard link");
    unlink(file);
    scratch_root_link(&root, STATE_FOLDER_MANIFEST, "/copy");
    check_read_refused("symbolic link");
}

static void test_no_manifest_is_silent(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(manifest_read(&root, &manifest, NULL, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"plain lines are taken", test_plain_lines_are_taken},
        {"paths that lead out are refused", test_paths_that_lead_out_are_refused},
        {"what is below a link or file is refused", test_what_is_below_a_link_or_file_is_refused},
        {"damaged lines are named", test_damaged_lines_are_named},
        {"keywords are exactly those of the type", test_keywords_are_exactly_those_of_the_type},
        {"values are checked", test_values_are_checked},
        {"NUL bytes are damage", test_NUL_bytes_are_damage},
        {"overlong lines are damage", test_overlong_lines_are_damage},
        {"a hundred thousand lines are refused", test_a_hundred_thousand_lines_are_refused},
        {"a manifest of others is refused", test_a_manifest_of_others_is_refused},
        {"no manifest is silent", test_no_manifest_is_silent},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "manifest_read",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
