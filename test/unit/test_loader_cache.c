#include "kmod/system/loader_cache.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "kmod/system/loader_store.h"
#include "test/unit/root_snapshot.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define STORE "/var/lib/prebake/store"
#define FOLDER "/opt/driver/lib"
#define LIBRARY FOLDER "/libdriver.so.580.126.09"
#define RECORD "/var/cache/ldconfig/aux-cache"
#define OLD "what was there before"

static struct root root;
static struct error err;
static struct loader_cache cache;

static void set_up(void) {
    static const char *const arguments[] = {"-shared", "-fPIC", "-Wl,-soname,libdriver.so.1", NULL};
    err = (struct error){0};
    scratch_root_make(&root);
    scratch_root_dir(&root, "/lib");
    scratch_root_dir(&root, "/usr/lib");
    scratch_root_dir(&root, "/etc");
    scratch_root_dir(&root, FOLDER);
    scratch_root_compile(&root, LIBRARY, "int answer(void) { return 42; }", arguments);
    scratch_root_link(&root, FOLDER "/libdriver.so.1", "libdriver.so.580.126.09");
    scratch_root_write(&root, "/etc/ld.so.conf", FOLDER "\n");
    scratch_root_dir(&root, "/var/cache/ldconfig");
    scratch_root_dir(&root, STORE);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void remove_libraries(void) {
    scratch_root_run("rm", "-r", scratch_root_host(&root, FOLDER), NULL);
}

static bool names_library(void) {
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(file_read(&root, LOADER_CACHE, 1 << 20, &content, &err), 0);
    return content.size > 0 && memmem(content.data, content.size, FOLDER, strlen(FOLDER));
}

static int refresh(void) {
    return loader_cache_refresh(&root, STORE, &err);
}

static void test_follows_the_tree(void) {
    scratch_root_write(&root, LOADER_CACHE, "old");
    CU_ASSERT_EQUAL(refresh(), 0);
    CU_ASSERT(names_library());
    remove_libraries();
    CU_ASSERT_EQUAL(refresh(), 0);
    CU_ASSERT_FALSE(names_library());
}

/* Links are files: they are made or removed by whoever owns them. */
static void test_makes_no_links(void) {
    scratch_root_write(&root, LOADER_CACHE, "old");
    scratch_root_run("rm", scratch_root_host(&root, FOLDER "/libdriver.so.1"), NULL);
    CU_ASSERT_EQUAL(refresh(), 0);
    CU_ASSERT_FALSE(root_exists(&root, FOLDER "/libdriver.so.1"));
}

static void test_makes_nothing_new(void) {
    AUTO_FREE char *before = root_snapshot(&root);
    CU_ASSERT_EQUAL(refresh(), 0);
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

/* Whoever would write the same stays. */
static void test_same_bytes_stay_the_same_file(void) {
    struct stat first, second;
    scratch_root_write(&root, LOADER_CACHE, "old");
    CU_ASSERT_EQUAL(refresh(), 0);
    CU_ASSERT_EQUAL(root_stat(&root, LOADER_CACHE, &first), 0);
    CU_ASSERT_EQUAL(refresh(), 0);
    CU_ASSERT_EQUAL(root_stat(&root, LOADER_CACHE, &second), 0);
    CU_ASSERT_EQUAL(first.st_ino, second.st_ino);
    CU_ASSERT_EQUAL(first.st_ctim.tv_nsec, second.st_ctim.tv_nsec);
}

static void test_what_is_in_the_way(void) {
    scratch_root_dir(&root, LOADER_CACHE);
    scratch_root_dir(&root, LOADER_CACHE "/in-the-way");
    CU_ASSERT(refresh() < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "ld.so.cache"));
    AUTO_STRLIST struct strlist left = {0};
    CU_ASSERT_EQUAL(root_list(&root, "/etc", &left, &err), 0);
    CU_ASSERT_EQUAL(left.count, 2);
}

static void test_what_matters(void) {
    CU_ASSERT(loader_cache_matters("/usr/lib/libx.so"));
    CU_ASSERT(loader_cache_matters("/usr/lib/libx.so.1.2"));
    CU_ASSERT(loader_cache_matters("/usr/lib/ld-linux.so.2"));
    CU_ASSERT(loader_cache_matters("/etc/ld.so.conf"));
    CU_ASSERT(loader_cache_matters("/etc/ld.so.conf.d/nvidia.conf"));
    CU_ASSERT_FALSE(loader_cache_matters("/usr/bin/nvidia-smi"));
    CU_ASSERT_FALSE(loader_cache_matters("/usr/lib/libx.a"));
    CU_ASSERT_FALSE(loader_cache_matters("/etc/ld.so.confd/x"));
}

/* What stands before and behind a bake; the library is there from the start, and stands for the
 * bake's. */
static void keep_and_build(void) {
    CU_ASSERT_EQUAL(loader_cache_keep(&root, STORE, &cache, &err), 0);
    CU_ASSERT_EQUAL(loader_cache_build(&root, STORE, &cache, &err), 0);
    CU_ASSERT(cache.used);
    CU_ASSERT(names_library());
}

static void check_same(const char *before, const char *path) {
    AUTO_FREE char *after = root_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_FALSE(root_exists(&root, path));
}

static void write_old(void) {
    scratch_root_write(&root, LOADER_CACHE, OLD);
    scratch_root_run("touch", "-d", "2020-01-02 03:04:05.678",
                     scratch_root_host(&root, LOADER_CACHE), NULL);
    scratch_root_write(&root, RECORD, "old record");
}

static void restore(bool expect_refresh) {
    bool needs_refresh;
    CU_ASSERT_EQUAL(loader_cache_restore(&root, &cache, STORE, &needs_refresh, &err), 0);
    CU_ASSERT_EQUAL(needs_refresh, expect_refresh);
    CU_ASSERT_FALSE(root_exists(&root, STORE "/loader"));
}

static void test_restored_as_it_was(void) {
    write_old();
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    CU_ASSERT(loader_cache_is_with(&root, &cache));
    restore(false);
    CU_ASSERT_FALSE(loader_cache_is_with(&root, &cache));
    check_same(before, STORE "/loader");
    restore(false);
    check_same(before, STORE "/loader");
}

static void test_restored_to_none(void) {
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    restore(false);
    check_same(before, LOADER_CACHE);
}

static void test_undone(void) {
    write_old();
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    CU_ASSERT_EQUAL(loader_cache_undo(&root, STORE, &err), 0);
    check_same(before, STORE "/loader");
    CU_ASSERT_EQUAL(loader_cache_undo(&root, STORE, &err), 0);
    check_same(before, STORE "/loader");
    CU_ASSERT_EQUAL(loader_cache_keep(&root, STORE, &cache, &err), 0);
    CU_ASSERT_EQUAL(loader_cache_undo(&root, STORE, &err), 0);
    check_same(before, STORE "/loader");
}

static void check_old_in_place(void) {
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(file_read(&root, LOADER_CACHE, 1 << 20, &content, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&content), OLD);
}

/* It was killed when all was back, and the folder still there. */
static void test_undone_after_a_kill(void) {
    write_old();
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    AUTO_FREE char *kept = strdup(scratch_root_host(&root, STORE "/loader/ld.so.cache"));
    CU_ASSERT_EQUAL(rename(kept, scratch_root_host(&root, LOADER_CACHE)), 0);
    CU_ASSERT_EQUAL(loader_cache_undo(&root, STORE, &err), 0);
    check_same(before, STORE "/loader");
    check_old_in_place();
}

static void test_undone_to_none(void) {
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    CU_ASSERT_TRUE(root_exists(&root, LOADER_CACHE));
    CU_ASSERT_EQUAL(loader_cache_undo(&root, STORE, &err), 0);
    CU_ASSERT_FALSE(root_exists(&root, LOADER_CACHE));
    check_same(before, STORE "/loader");
}

static void test_not_kept_twice(void) {
    keep_and_build();
    struct loader_cache other;
    CU_ASSERT_EQUAL(loader_cache_keep(&root, STORE, &other, &err), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

/* ldconfig would write what is there. */
static void test_a_bake_that_changes_nothing(void) {
    scratch_root_write(&root, LOADER_CACHE, "old");
    CU_ASSERT_EQUAL(refresh(), 0);
    AUTO_FREE char *before = root_snapshot(&root);
    CU_ASSERT_EQUAL(loader_cache_keep(&root, STORE, &cache, &err), 0);
    CU_ASSERT_EQUAL(loader_cache_build(&root, STORE, &cache, &err), 0);
    CU_ASSERT_FALSE(cache.used);
    check_same(before, STORE "/loader");
    restore(false);
}

static void test_somebody_ran_ldconfig(void) {
    write_old();
    keep_and_build();
    scratch_root_write(&root, LOADER_CACHE, "theirs");
    CU_ASSERT_FALSE(loader_cache_is_with(&root, &cache));
    remove_libraries();
    restore(true);
    CU_ASSERT_EQUAL(refresh(), 0);
    CU_ASSERT_FALSE(names_library());
}

/* The record of ldconfig's own is as it was, and so is a folder that was not there. */
static void test_no_folder_for_the_record(void) {
    scratch_root_run("rmdir", scratch_root_host(&root, "/var/cache/ldconfig"), NULL);
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    CU_ASSERT_FALSE(root_exists(&root, "/var/cache/ldconfig"));
    restore(false);
    check_same(before, LOADER_CACHE);
}

/* Where a killed run had come to: the record is moved away, ldconfig has written. */
static void test_settled_after_a_kill(void) {
    write_old();
    AUTO_FREE char *before = root_snapshot(&root);
    scratch_root_dir(&root, STORE "/ldconfig");
    scratch_root_write(&root, STORE "/ldconfig/record", "kept");
    scratch_root_run("mv", scratch_root_host(&root, RECORD),
                     scratch_root_host(&root, STORE "/ldconfig/aux-cache"), NULL);
    scratch_root_write(&root, RECORD, "of a run that was killed");
    scratch_root_write(&root, RECORD "~", "half of one");
    scratch_root_write(&root, "/etc/.ld.so.cache.prebake-0123abcd", "half of one");
    scratch_root_write(&root, "/etc/.ld.so.cache.prebake-00000000", "half of one");
    CU_ASSERT_EQUAL(loader_cache_undo(&root, STORE, &err), 0);
    check_same(before, STORE "/ldconfig");
}

static void move_libraries(const char *from, const char *to) {
    scratch_root_run("mv", scratch_root_host(&root, from), scratch_root_host(&root, to), NULL);
}

static void park(void) {
    move_libraries(FOLDER, "/opt/driver/parked");
    CU_ASSERT_EQUAL(loader_cache_park(&root, STORE, &cache, &err), 0);
    CU_ASSERT(cache.parked);
}

static void activate(void) {
    move_libraries("/opt/driver/parked", FOLDER);
    CU_ASSERT_EQUAL(loader_cache_activate(&root, STORE, &cache, &err), 0);
    CU_ASSERT_FALSE(cache.parked);
    CU_ASSERT(names_library());
}

static void test_parked_and_activated(void) {
    write_old();
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    for (int round = 0; round < 2; round++) {
        park();
        check_old_in_place();
        CU_ASSERT(root_exists(&root, STORE "/loader/with"));
        CU_ASSERT_EQUAL(loader_cache_park(&root, STORE, &cache, &err), 0);
        activate();
        CU_ASSERT_EQUAL(loader_cache_activate(&root, STORE, &cache, &err), 0);
    }
    restore(false);
    check_same(before, STORE "/loader");
}

static void test_parked_without_one_before(void) {
    AUTO_FREE char *before = root_snapshot(&root);
    keep_and_build();
    park();
    CU_ASSERT_FALSE(root_exists(&root, LOADER_CACHE));
    activate();
    restore(false);
    check_same(before, LOADER_CACHE);
}

static void test_torn_down_parked(void) {
    write_old();
    keep_and_build();
    park();
    restore(false);
    check_old_in_place();
}

/* The facts say what was before: the run was killed after the switch. */
static void test_killed_after_parking(void) {
    write_old();
    keep_and_build();
    struct loader_cache recorded = cache;
    park();
    struct loader_cache parked = cache;
    cache = recorded;
    CU_ASSERT_EQUAL(loader_cache_park(&root, STORE, &cache, &err), 0);
    check_old_in_place();
    CU_ASSERT_EQUAL(cache.inode, parked.inode);
    activate();
}

/* Between the two renames: "without" is in place, "with" still has its name in the store. */
static void test_killed_while_parking(void) {
    write_old();
    keep_and_build();
    struct loader_cache recorded = cache;
    park();
    cache = recorded;
    move_libraries(STORE "/loader/with", STORE "/loader/ld.so.cache");
    CU_ASSERT_EQUAL(loader_cache_park(&root, STORE, &cache, &err), 0);
    check_old_in_place();
    CU_ASSERT(root_exists(&root, STORE "/loader/with"));
    activate();
    restore(false);
    check_old_in_place();
}

static void test_killed_while_activating(void) {
    write_old();
    keep_and_build();
    park();
    struct loader_cache recorded = cache;
    activate();
    cache = recorded;
    move_libraries(STORE "/loader/ld.so.cache", STORE "/loader/with");
    CU_ASSERT_EQUAL(loader_cache_activate(&root, STORE, &cache, &err), 0);
    CU_ASSERT(names_library());
    restore(false);
    check_old_in_place();
}

/* The same, and a teardown comes instead. */
static void test_torn_down_half_activated(void) {
    write_old();
    keep_and_build();
    park();
    struct loader_cache recorded = cache;
    activate();
    cache = recorded;
    move_libraries(STORE "/loader/ld.so.cache", STORE "/loader/with");
    restore(false);
    check_old_in_place();
}

static void test_somebody_ran_ldconfig_before_parking(void) {
    write_old();
    keep_and_build();
    scratch_root_write(&root, LOADER_CACHE, "theirs");
    park();
    CU_ASSERT_FALSE(names_library());
    CU_ASSERT_FALSE(root_exists(&root, STORE "/loader"));
    activate();
    restore(true);
}

static void test_somebody_ran_ldconfig_while_parked(void) {
    write_old();
    keep_and_build();
    park();
    scratch_root_write(&root, LOADER_CACHE, "theirs");
    activate();
    /* What was there before is not known any more. */
    restore(true);
    remove_libraries();
    CU_ASSERT_EQUAL(refresh(), 0);
    CU_ASSERT_FALSE(names_library());
}

/* As an image's build does that wants the same bytes each time. */
static void give_all_one_time(void) {
    scratch_root_run("find", root.path, "-exec", "touch", "-h", "-d", "@1700000000", "{}", "+",
                     NULL);
}

static void bake_all_of_one_time(void) {
    scratch_root_write(&root, LOADER_CACHE, OLD);
    give_all_one_time();
    keep_and_build();
    give_all_one_time();
}

static void test_torn_down_all_of_one_time(void) {
    bake_all_of_one_time();
    restore(true);
}

static void test_parked_all_of_one_time(void) {
    bake_all_of_one_time();
    park();
    CU_ASSERT_FALSE(names_library());
    give_all_one_time();
    activate();
}

static void test_activated_all_of_one_time(void) {
    write_old();
    keep_and_build();
    park();
    give_all_one_time();
    cache.without_mtime_ns = 1700000000LL * 1000000000; /* as it was before the bake */
    activate();
}

static void test_parked_and_torn_down_all_of_one_time(void) {
    write_old();
    keep_and_build();
    park();
    give_all_one_time();
    cache.without_mtime_ns = 1700000000LL * 1000000000;
    restore(false);
    check_old_in_place();
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the cache follows the tree", test_follows_the_tree},
        {"no links are made", test_makes_no_links},
        {"no file that was not there", test_makes_nothing_new},
        {"the same bytes stay the same file", test_same_bytes_stay_the_same_file},
        {"what is in the way", test_what_is_in_the_way},
        {"what matters", test_what_matters},
        {"restored as it was", test_restored_as_it_was},
        {"restored to none", test_restored_to_none},
        {"undone", test_undone},
        {"undone after a kill", test_undone_after_a_kill},
        {"undone to none", test_undone_to_none},
        {"not kept twice", test_not_kept_twice},
        {"a bake that changes nothing", test_a_bake_that_changes_nothing},
        {"somebody ran ldconfig", test_somebody_ran_ldconfig},
        {"no folder for ldconfig's record", test_no_folder_for_the_record},
        {"settled after a kill", test_settled_after_a_kill},
        {"parked and activated", test_parked_and_activated},
        {"parked without one before", test_parked_without_one_before},
        {"torn down while parked", test_torn_down_parked},
        {"killed after parking", test_killed_after_parking},
        {"killed while parking", test_killed_while_parking},
        {"killed while activating", test_killed_while_activating},
        {"torn down half activated", test_torn_down_half_activated},
        {"ldconfig before parking", test_somebody_ran_ldconfig_before_parking},
        {"ldconfig while parked", test_somebody_ran_ldconfig_while_parked},
        {"torn down, all of one time", test_torn_down_all_of_one_time},
        {"parked, all of one time", test_parked_all_of_one_time},
        {"activated, all of one time", test_activated_all_of_one_time},
        {"parked and torn down, all of one time", test_parked_and_torn_down_all_of_one_time},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "loader_cache",
                              .pSetUpFunc = set_up,
                              .pTearDownFunc = tear_down,
                              .pTests = tests},
                             CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
