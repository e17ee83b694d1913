#include "kmod/system/ldconfig.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/root_snapshot.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define STORE "/var/lib/prebake/store"
#define OURS "/opt/ours/libours.so.1"
#define THEIRS "/opt/theirs/libtheirs.so.1"

static struct root root;
static struct error err;
static struct buffer cache;

static void compile(const char *path, const char *soname) {
    const char *const arguments[] = {"-shared", "-fPIC", "-nostdlib", soname, NULL};
    scratch_root_compile(&root, path, "int answer(void) { return 42; }", arguments);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, STORE);
    scratch_root_dir(&root, "/var/cache");
    scratch_root_write(&root, "/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/ours.conf", "/opt/ours\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/theirs.conf", "/opt/theirs\n");
    compile(OURS, "-Wl,-soname,libours.so.1");
    compile(THEIRS, "-Wl,-soname,libtheirs.so.1");
}

static void tear_down(void) {
    buffer_release(&cache);
    scratch_root_remove(&root);
}

static bool names(const char *path) {
    return cache.size > 0 && memmem(cache.data, cache.size, path, strlen(path));
}

/* Whether there is a folder for ldconfig's own record, with one in it or none, or not: it is as it
 * was. */
static void test_nothing_changes(void) {
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            scratch_root_dir(&root, "/var/cache/ldconfig");
        if (i == 2)
            scratch_root_write(&root, "/var/cache/ldconfig/aux-cache", "old");
        AUTO_FREE char *before = root_snapshot(&root);
        CU_ASSERT_EQUAL(ldconfig_run(&root, STORE, &cache, &err), 0);
        AUTO_FREE char *after = root_snapshot(&root);
        CU_ASSERT_STRING_EQUAL(before, after);
        CU_ASSERT(names(OURS));
        CU_ASSERT(names(THEIRS));
        buffer_release(&cache);
    }
}

static void without(const char *path) {
    AUTO_STRLIST struct strlist hidden = {0};
    CU_ASSERT_EQUAL(strlist_add(&hidden, path), 0);
    CU_ASSERT_EQUAL(strlist_add(&hidden, "/opt/ours/libgone.so"), 0);
    AUTO_FREE char *before = root_snapshot(&root);
    CU_ASSERT_EQUAL(ldconfig_run_without(&root, STORE, &hidden, &cache, &err), 0);
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_FALSE(names(OURS));
    CU_ASSERT(names(THEIRS));
    buffer_release(&cache);
}

static void test_hidden_files(void) {
    without(OURS);
    without("/etc/ld.so.conf.d/ours.conf");
}

/* The same bytes as if they had been removed. */
static void test_hidden_is_removed(void) {
    AUTO_BUFFER struct buffer removed = {0};
    AUTO_STRLIST struct strlist hidden = {0};
    CU_ASSERT_EQUAL(strlist_add(&hidden, OURS), 0);
    CU_ASSERT_EQUAL(ldconfig_run_without(&root, STORE, &hidden, &cache, &err), 0);
    unlink(scratch_root_host(&root, OURS));
    CU_ASSERT_EQUAL(ldconfig_run(&root, STORE, &removed, &err), 0);
    CU_ASSERT_EQUAL(removed.size, cache.size);
    CU_ASSERT(removed.size == cache.size && !memcmp(removed.data, cache.data, cache.size));
}

static void test_leftovers(void) {
    scratch_root_dir(&root, STORE "/ldconfig.new/ld.so.cache");
    scratch_root_dir(&root, STORE "/ldconfig/ld.so.cache");
    CU_ASSERT_EQUAL(ldconfig_run(&root, STORE, &cache, &err), 0);
    CU_ASSERT_EQUAL(ldconfig_settle(&root, STORE, &err), 0);
    AUTO_STRLIST struct strlist left = {0};
    CU_ASSERT_EQUAL(root_list(&root, STORE, &left, &err), 0);
    CU_ASSERT_EQUAL(left.count, 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing changes", test_nothing_changes},
        {"hidden files", test_hidden_files},
        {"hidden is as removed", test_hidden_is_removed},
        {"leftovers", test_leftovers},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "ldconfig", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
