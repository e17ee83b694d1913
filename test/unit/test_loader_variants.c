#include "kmod/system/loader_variants.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/file.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define STORE "/var/lib/prebake/store"
#define OURS "/opt/ours/libours.so.1"
#define THEIRS "/opt/theirs/libtheirs.so.1"

static struct root root;
static struct error err;
static struct loader_cache cache;
static struct strlist ours;

static void compile(const char *path, const char *soname) {
    const char *const arguments[] = {"-shared", "-fPIC", "-nostdlib", soname, NULL};
    scratch_root_compile(&root, path, "int answer(void) { return 42; }", arguments);
}

/* An image with a bake of one library. */
static void set_up(void) {
    err = (struct error){0};
    cache = (struct loader_cache){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, STORE);
    scratch_root_dir(&root, "/var/cache/ldconfig");
    scratch_root_write(&root, "/etc/ld.so.conf", "/opt/ours\n/opt/theirs\n");
    scratch_root_run("ldconfig", "-X", "-r", root.path, NULL);
    CU_ASSERT_EQUAL(loader_cache_keep(&root, STORE, &cache, &err), 0);
    compile(OURS, "-Wl,-soname,libours.so.1");
    CU_ASSERT_EQUAL(loader_cache_build(&root, STORE, &cache, &err), 0);
    CU_ASSERT_EQUAL(strlist_add(&ours, OURS), 0);
}

static void tear_down(void) {
    strlist_release(&ours);
    scratch_root_remove(&root);
}

static bool renew(void) {
    bool renewed = false;
    CU_ASSERT_EQUAL(loader_variants_renew(&root, STORE, &ours, &cache, &renewed, &err), 0);
    return renewed;
}

static bool names(const char *path) {
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(file_read(&root, LOADER_CACHE, 1 << 20, &content, &err), 0);
    return memmem(content.data, content.size, path, strlen(path)) != NULL;
}

static void restore(bool expect_refresh) {
    bool needs_refresh = false;
    CU_ASSERT_EQUAL(loader_cache_restore(&root, &cache, STORE, &needs_refresh, &err), 0);
    CU_ASSERT_EQUAL(needs_refresh, expect_refresh);
}

static void test_nothing_changed(void) {
    CU_ASSERT(cache.used);
    CU_ASSERT_FALSE(renew());
    restore(false);
    CU_ASSERT_FALSE(names(OURS));
}

/* A package brought a library and ran ldconfig: the teardown switches all the same. */
static void test_somebody_ran_ldconfig(void) {
    compile(THEIRS, "-Wl,-soname,libtheirs.so.1");
    scratch_root_run("ldconfig", "-X", "-r", root.path, NULL);
    CU_ASSERT(renew());
    CU_ASSERT_FALSE(renew());
    CU_ASSERT(names(OURS));
    restore(false);
    CU_ASSERT_FALSE(names(OURS));
    CU_ASSERT(names(THEIRS));
}

static void test_somebody_did_not_run_ldconfig(void) {
    compile(THEIRS, "-Wl,-soname,libtheirs.so.1");
    CU_ASSERT(renew());
    CU_ASSERT(names(THEIRS));
    restore(false);
    CU_ASSERT(names(THEIRS));
}

/* ldconfig ran again for the same libraries: the file from before the bake is kept still. */
static void test_the_file_from_before_stays(void) {
    int64_t before = cache.without_mtime_ns;
    scratch_root_run("touch", scratch_root_host(&root, LOADER_CACHE), NULL);
    CU_ASSERT(renew());
    CU_ASSERT_EQUAL(cache.without_mtime_ns, before);
    restore(false);
    CU_ASSERT_FALSE(names(OURS));
}

static void test_parked(void) {
    scratch_root_run("mv", scratch_root_host(&root, OURS), scratch_root_host(&root, "/opt/kept"),
                     NULL);
    CU_ASSERT_EQUAL(loader_cache_park(&root, STORE, &cache, &err), 0);
    CU_ASSERT_FALSE(renew());
    compile(THEIRS, "-Wl,-soname,libtheirs.so.1");
    scratch_root_run("ldconfig", "-X", "-r", root.path, NULL);
    CU_ASSERT(renew());
    CU_ASSERT_FALSE(renew());
    restore(false);
    CU_ASSERT(names(THEIRS));
}

static void test_no_library_of_ours(void) {
    strlist_release(&ours);
    cache = (struct loader_cache){0};
    CU_ASSERT_FALSE(renew());
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing changed", test_nothing_changed},
        {"somebody ran ldconfig", test_somebody_ran_ldconfig},
        {"somebody did not run ldconfig", test_somebody_did_not_run_ldconfig},
        {"the file from before stays", test_the_file_from_before_stays},
        {"parked", test_parked},
        {"no library of ours", test_no_library_of_ours},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "loader_variants",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
