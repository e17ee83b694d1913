#include "kmod/lifecycle/transfer.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmod/lifecycle/parked_store.h"
#include "test/unit/layout_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static const enum removal_class classes[] = {REMOVAL_MODULES, REMOVAL_DKMS, REMOVAL_REST};

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct layout_records records;
static struct error err;
static char *unbaked, *active;

static void begin(bool elsewhere) {
    err = (struct error){0};
    layout_fixture_make(&root);
    if (elsewhere)
        layout_fixture_mount_state(&root);
    unbaked = layout_fixture_snapshot(&root);
    layout_fixture_bake(&root);
    active = layout_fixture_snapshot(&root);
    layout_fixture_read(&root, &records);
}

static void set_up(void) {
    begin(false);
}

static void tear_down(void) {
    free(unbaked);
    free(active);
    layout_fixture_release(&records);
    layout_fixture_remove(&root);
}

static void succeed(int rc) {
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static bool there(const char *path) {
    return root_exists(&root, path);
}

/* As park and activate do it; content decides of a place while things are in the store. */
static void to_store(void) {
    succeed(transfer_compat_to_store(&records.removal, &err));
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        succeed(transfer_to_store(&records.removal, classes[i], &err));
    succeed(removal_dirs(&records.removal, &err));
    records.removal.context.copied = true;
}

static void to_places(void) {
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        succeed(transfer_to_places(&records.removal, classes[i], &err));
    succeed(transfer_compat_to_place(&records.removal, &err));
}

static void expect_snapshot(const char *expected) {
    AUTO_FREE char *now = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(now, expected);
}

/* But for the index, which is not moved. */
static void expect_unbaked(void) {
    static const char *const paths[] = {BAKED_MODULE, BAKED_SETUID, BAKED_SOURCE, BAKED_DKMS,
                                        BAKED_COMPAT, BAKED_LINK,   BAKED_ODD_DIR};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        CU_ASSERT_FALSE(there(paths[i]));
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, "/usr"));
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, PARKED_STORE));
}

static void test_there_and_back(void) {
    for (int i = 0; i < 2; i++) {
        to_store();
        expect_unbaked();
        to_places();
        expect_snapshot(active);
        CU_ASSERT_FALSE(there(BAKED_KEPT(BAKED_MODULE)));
        succeed(transfer_record(&root, &records.manifest, &records.facts, false, false, &err));
        records.removal.context.copied = false;
    }
    succeed(transfer_clear_store(&root, &err));
    CU_ASSERT_FALSE(there(PARKED_STORE));
    succeed(transfer_clear_store(&root, &err));
}

static void test_a_class_at_a_time(void) {
    succeed(transfer_to_store(&records.removal, REMOVAL_MODULES, &err));
    CU_ASSERT_TRUE(there(BAKED_KEPT(BAKED_MODULE)) && !there(BAKED_MODULE));
    CU_ASSERT_TRUE(there(BAKED_BUILT) && there(BAKED_SETUID) && there(BAKED_COMPAT));
    succeed(transfer_to_store(&records.removal, REMOVAL_DKMS, &err));
    CU_ASSERT_TRUE(there(BAKED_KEPT(BAKED_BUILT)) && !there(BAKED_BUILT));
    succeed(transfer_to_store(&records.removal, REMOVAL_REST, &err));
    CU_ASSERT_TRUE(there(BAKED_KEPT(BAKED_SETUID)) && !there(BAKED_SETUID));
    /* It is in no class. */
    CU_ASSERT_TRUE(there(BAKED_COMPAT));
    succeed(transfer_compat_to_store(&records.removal, &err));
    CU_ASSERT_TRUE(there(BAKED_KEPT(BAKED_COMPAT)) && !there(BAKED_COMPAT));
    records.removal.context.copied = true;
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        succeed(transfer_to_places(&records.removal, classes[i], &err));
    CU_ASSERT_FALSE(there(BAKED_COMPAT));
    succeed(transfer_compat_to_place(&records.removal, &err));
    expect_snapshot(active);
}

static void test_without_a_compat_marker(void) {
    free(records.facts.compat_marker);
    records.facts.compat_marker = strdup("");
    succeed(transfer_compat_to_store(&records.removal, &err));
    succeed(transfer_compat_to_place(&records.removal, &err));
    CU_ASSERT_FALSE(there(PARKED_STORE));
    expect_snapshot(active);
}

/* A path that somebody made anew is his, with equal bytes, too. */
static void test_foreign_paths_stay(void) {
    const char *module = scratch_root_host(&root, BAKED_MODULE);
    scratch_root_run("sh", "-c", "cp -p \"$1\" \"$1.x\" && mv \"$1.x\" \"$1\"", "sh", module, NULL);
    scratch_root_write(&root, BAKED_SOURCE_FILE, "theirs");
    to_store();
    CU_ASSERT_TRUE(there(BAKED_MODULE) && there(BAKED_SOURCE_FILE) && there(BAKED_SOURCE));
    CU_ASSERT_FALSE(there(BAKED_KEPT(BAKED_MODULE)) || there(BAKED_KEPT(BAKED_SOURCE_FILE)));
    CU_ASSERT_FALSE(there(BAKED_SETUID));
}

/* Killed anywhere: what was moved stays where it is, what was copied goes from where it came. */
static void test_run_again(void) {
    succeed(transfer_to_store(&records.removal, REMOVAL_REST, &err));
    to_store();
    expect_unbaked();
    succeed(transfer_to_places(&records.removal, REMOVAL_REST, &err));
    scratch_root_dir(&root, BAKED_KEPT(BAKED_SOURCE));
    scratch_root_run("cp", "-a", scratch_root_host(&root, BAKED_SOURCE_FILE),
                     scratch_root_host(&root, BAKED_KEPT(BAKED_SOURCE_FILE)), NULL);
    to_places();
    expect_snapshot(active);
    CU_ASSERT_FALSE(there(BAKED_KEPT(BAKED_SOURCE_FILE)));
}

static ino_t inode_there(const char *path) {
    struct stat st;
    CU_ASSERT_EQUAL_FATAL(root_stat(&root, path, &st), 0);
    return st.st_ino;
}

static void test_whole_folders(void) {
    static const char *const folders[] = {BAKED_SOURCE, BAKED_ODD_DIR, BAKED_DKMS};
    static const char *const kept[] = {BAKED_KEPT(BAKED_SOURCE), BAKED_KEPT(BAKED_ODD_DIR),
                                       BAKED_KEPT(BAKED_DKMS)};
    ino_t inodes[ARRAY_SIZE(folders)];
    to_store();
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        inodes[i] = inode_there(kept[i]);
    to_places();
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        CU_ASSERT_EQUAL(inode_there(folders[i]), inodes[i]);
    expect_snapshot(active);
}

/* What the manifest does not list stays in the store; so does a folder whose parent is gone. */
static void test_more_in_the_store(void) {
    to_store();
    scratch_root_write(&root, BAKED_KEPT(BAKED_SOURCE) "/theirs", "theirs");
    scratch_root_dir(&root, BAKED_KEPT(BAKED_DKMS) "/1.0/theirs");
    scratch_root_run("rmdir", scratch_root_host(&root, "/opt"), NULL);
    to_places();
    CU_ASSERT_FALSE(there(BAKED_SOURCE "/theirs") || there(BAKED_DKMS "/1.0/theirs"));
    CU_ASSERT_TRUE(there(BAKED_KEPT(BAKED_SOURCE) "/theirs") &&
                   there(BAKED_KEPT(BAKED_DKMS) "/1.0/theirs"));
    scratch_root_dir(&root, "/opt");
    expect_snapshot(active);
}

/* Nobody has looked at what lies about since a killed run. */
static void test_no_whole_folder_after_a_kill(void) {
    to_store();
    ino_t inode = inode_there(BAKED_KEPT(BAKED_SOURCE));
    records.removal.resumed = true;
    to_places();
    CU_ASSERT_NOT_EQUAL(inode_there(BAKED_SOURCE), inode);
    expect_snapshot(active);
}

/* Killed between moving a folder and giving its directories owner and mode. */
static void test_whole_folder_that_was_left(void) {
    static const char *const moved[][2] = {{BAKED_KEPT(BAKED_SOURCE), BAKED_SOURCE},
                                           {BAKED_KEPT(BAKED_ODD_DIR), BAKED_ODD_DIR},
                                           {BAKED_KEPT(BAKED_DKMS), BAKED_DKMS}};
    to_store();
    for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
        AUTO_FREE char *from = strdup(scratch_root_host(&root, moved[i][0]));
        CU_ASSERT_EQUAL(rename(from, scratch_root_host(&root, moved[i][1])), 0);
    }
    records.removal.resumed = true;
    to_places();
    expect_snapshot(active);
}

/* Killed between making a directory and giving it owner and mode. */
static void test_a_directory_that_was_half_made(void) {
    to_store();
    scratch_root_dir(&root, BAKED_ODD_DIR);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, BAKED_ODD_DIR), 0700), 0);
    to_places();
    expect_snapshot(active);
}

/* Somebody put something into a directory that the bake had made: it stays as he has it. */
static void test_a_directory_that_others_use(void) {
    scratch_root_write(&root, BAKED_ODD_DIR "/theirs", "theirs");
    to_store();
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, BAKED_ODD_DIR), 0711), 0);
    to_places();
    struct stat st;
    CU_ASSERT_EQUAL(root_stat(&root, BAKED_ODD_DIR, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0711);
    CU_ASSERT_TRUE(there(BAKED_ODD_FILE) && there(BAKED_ODD_DIR "/theirs"));
}

static void test_a_taken_place(void) {
    to_store();
    scratch_root_write(&root, BAKED_MODULE, "somebody else's");
    CU_ASSERT_EQUAL(transfer_to_places(&records.removal, REMOVAL_MODULES, &err), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, BAKED_MODULE));
    CU_ASSERT_TRUE(there(BAKED_KEPT(BAKED_MODULE)));
}

static void test_missing_in_the_store(void) {
    to_store();
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_KEPT(BAKED_MODULE))), 0);
    CU_ASSERT_EQUAL(transfer_to_places(&records.removal, REMOVAL_MODULES, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, BAKED_MODULE));
}

static uint64_t inode_of(const char *path) {
    return records.facts.placed[layout_fixture_entry(&records, path)].inode;
}

static void record(bool parked, bool resumed) {
    succeed(transfer_record(&root, &records.manifest, &records.facts, parked, resumed, &err));
}

static void test_record(void) {
    struct stat st;
    to_store();
    record(true, false);
    CU_ASSERT_STRING_EQUAL(records.facts.layout, FACTS_PARKED);
    CU_ASSERT_EQUAL(root_stat(&root, BAKED_KEPT(BAKED_SETUID), &st), 0);
    CU_ASSERT_EQUAL(inode_of(BAKED_SETUID), st.st_ino);
    /* The attributes stay those of the active layout. */
    CU_ASSERT_EQUAL(records.facts.placed[layout_fixture_entry(&records, BAKED_SETUID)].xattrs.count,
                    1);
    to_places();
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_LINK)), 0);
    record(false, false);
    CU_ASSERT_STRING_EQUAL(records.facts.layout, FACTS_ACTIVE);
    CU_ASSERT_EQUAL(root_stat(&root, BAKED_SETUID, &st), 0);
    CU_ASSERT_EQUAL(inode_of(BAKED_SETUID), st.st_ino);
    CU_ASSERT_EQUAL(inode_of(BAKED_LINK), 0);
    uint64_t before = inode_of(BAKED_SETUID);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_SETUID)), 0);
    scratch_root_write(&root, BAKED_SETUID, "theirs");
    scratch_root_link(&root, BAKED_LINK, "ours-a.so");
    succeed(transfer_record_more(&root, &records.manifest, &records.facts, false, &err));
    CU_ASSERT_EQUAL(inode_of(BAKED_SETUID), before);
    CU_ASSERT_EQUAL(inode_of(BAKED_LINK), inode_there(BAKED_LINK));
}

/* What lay about since a killed run may have been damaged: then its content tells, later. */
static void test_record_of_what_lay_about(void) {
    to_store();
    const char *module = scratch_root_host(&root, BAKED_KEPT(BAKED_MODULE));
    CU_ASSERT_EQUAL(truncate(module, 0), 0);
    record(true, false);
    CU_ASSERT_NOT_EQUAL(inode_of(BAKED_MODULE), 0);
    record(true, true);
    CU_ASSERT_EQUAL(inode_of(BAKED_MODULE), 0);
    CU_ASSERT_NOT_EQUAL(inode_of(BAKED_SETUID), 0);
    CU_ASSERT_NOT_EQUAL(inode_of(BAKED_LINK), 0);
}

static void test_temporaries(void) {
    static const char *const paths[] = {"/usr/bin/.ours-ping.prebake-move",
                                        BAKED_KEPT("/usr/bin/.ours-ping.prebake-move")};
    static const char theirs[] = "/usr/bin/.theirs.prebake-move";
    scratch_root_write(&root, theirs, "no name of ours");
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        scratch_root_write(&root, paths[i], "half a copy");
    succeed(transfer_remove_temporaries(&records.removal, &err));
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        CU_ASSERT_FALSE(there(paths[i]));
    CU_ASSERT_TRUE(there(theirs));
    succeed(transfer_remove_temporaries(&records.removal, &err));
}

/* The namespace is this program's own, so this comes last. */
static void test_store_on_another_file_system(void) {
    tear_down();
    begin(true);
    to_store();
    expect_unbaked();
    to_places();
    expect_snapshot(active);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"there and back", test_there_and_back},
        {"a class at a time", test_a_class_at_a_time},
        {"without a compat marker", test_without_a_compat_marker},
        {"foreign paths stay", test_foreign_paths_stay},
        {"run again", test_run_again},
        {"whole folders", test_whole_folders},
        {"more in the store", test_more_in_the_store},
        {"no whole folder after a kill", test_no_whole_folder_after_a_kill},
        {"a whole folder that was left", test_whole_folder_that_was_left},
        {"a directory that was half made", test_a_directory_that_was_half_made},
        {"a directory that others use", test_a_directory_that_others_use},
        {"a taken place", test_a_taken_place},
        {"missing in the store", test_missing_in_the_store},
        {"record", test_record},
        {"record of what lay about", test_record_of_what_lay_about},
        {"temporaries", test_temporaries},
        {"store on another file system", test_store_on_another_file_system},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "transfer", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
