#include "builder/userspace_libraries.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root;
static struct error err;
static struct placing placing;

/* As if it had been placed. */
static void add(const char *path) {
    struct placing_item *items = reallocarray(placing.items, placing.count + 1, sizeof *items);
    placing.items = items;
    items[placing.count++] = (struct placing_item){.kind = PLACING_COPY, .path = strdup(path)};
}

static void set_up(void) {
    static const char *const own[] = {"-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libown.so.1",
                                      NULL};
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_compile(&root, "/usr/lib/libown.so.1", "int own(void) { return 1; }", own);
    const char *const user[] = {"-shared", "-fPIC", "-nostdlib",
                                scratch_root_host(&root, "/usr/lib/libown.so.1"), NULL};
    scratch_root_compile(&root, "/usr/lib/libuser.so.1",
                         "int own(void); int user(void) { return own(); }", user);
    add("/usr/lib/libuser.so.1");
}

static void tear_down(void) {
    placing_release(&placing);
    scratch_root_remove(&root);
}

static void test_a_library_that_came_with_it(void) {
    CU_ASSERT_EQUAL(userspace_libraries_check(&root, &placing, &err), 0);
}

static void test_a_library_that_is_missing(void) {
    unlink(scratch_root_host(&root, "/usr/lib/libown.so.1"));
    CU_ASSERT_EQUAL(userspace_libraries_check(&root, &placing, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/usr/lib/libuser.so.1 needs libown.so.1"));
}

static void test_what_is_no_program(void) {
    scratch_root_write(&root, "/usr/bin/script", "#!/bin/sh");
    scratch_root_write(&root, "/lib/firmware/x.bin", "\177ELF and what follows is for a GPU");
    scratch_root_link(&root, "/usr/bin/link", "nowhere");
    add("/usr/bin/script");
    add("/lib/firmware/x.bin");
    add("/usr/bin/link");
    CU_ASSERT_EQUAL(userspace_libraries_check(&root, &placing, &err), 0);
}

static void test_a_damaged_program(void) {
    scratch_root_write_bytes(&root, "/usr/bin/damaged",
                             "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0 and no more", 28);
    add("/usr/bin/damaged");
    CU_ASSERT(userspace_libraries_check(&root, &placing, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/usr/bin/damaged"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a library that came with it", test_a_library_that_came_with_it},
        {"a library that is missing", test_a_library_that_is_missing},
        {"what is no program", test_what_is_no_program},
        {"a damaged program", test_a_damaged_program},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "userspace_libraries",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
