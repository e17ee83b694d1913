#include "kmod/lifecycle/relocation.h"

#include <CUnit/Basic.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kmod/lifecycle/parked_store.h"
#include "test/unit/layout_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

/* Fresh for each test. */
static struct root root = ROOT_INIT;
static struct layout_records records;
static struct error err;

static void begin(bool elsewhere) {
    err = (struct error){0};
    layout_fixture_make(&root);
    if (elsewhere)
        layout_fixture_mount_state(&root);
    layout_fixture_bake(&root);
    layout_fixture_read(&root, &records);
}

static void set_up(void) {
    begin(false);
}

static void tear_down(void) {
    layout_fixture_release(&records);
    layout_fixture_remove(&root);
}

/* Moves one path; `twin`: another name of it that is moved already. */
static int move(const char *path, const char *twin, bool to_store) {
    AUTO(relocation_folders_release)
    struct relocation_folders folders = RELOCATION_FOLDERS_INIT;
    size_t i = layout_fixture_entry(&records, path);
    const struct relocation relocation = {.root = &root,
                                          .folders = &folders,
                                          .entry = &records.manifest.entries[i],
                                          .placed = &records.facts.placed[i],
                                          .twin = twin};
    err = (struct error){0};
    return to_store ? relocation_to_store(&relocation, &err)
                    : relocation_to_place(&relocation, &err);
}

static void park(const char *path, const char *twin) {
    AUTO_FREE char *kept = parked_store_path(path);
    CU_ASSERT_EQUAL(move(path, twin, true), 0);
    CU_ASSERT_FALSE(root_exists(&root, path));
    CU_ASSERT_TRUE(root_exists(&root, kept));
}

static void activate(const char *path, const char *twin) {
    AUTO_FREE char *kept = parked_store_path(path);
    CU_ASSERT_EQUAL(move(path, twin, false), 0);
    CU_ASSERT_TRUE(root_exists(&root, path));
    CU_ASSERT_FALSE(root_exists(&root, kept));
}

static struct stat look(const char *path) {
    struct stat st = {0};
    CU_ASSERT_EQUAL(root_stat(&root, path, &st), 0);
    return st;
}

/* All that is ordinary goes by a rename: the inode says so. */
static void test_renamed_there_and_back(void) {
    static const char *const paths[] = {BAKED_MODULE, BAKED_LINK, BAKED_ODD_FILE, BAKED_BUILT};
    AUTO_FREE char *before = layout_fixture_snapshot(&root);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        AUTO_FREE char *kept = parked_store_path(paths[i]);
        struct stat active = look(paths[i]);
        park(paths[i], NULL);
        CU_ASSERT_EQUAL(look(kept).st_ino, active.st_ino);
        activate(paths[i], NULL);
        CU_ASSERT_EQUAL(look(paths[i]).st_ino, active.st_ino);
    }
    AUTO_FREE char *after = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_EQUAL(look(PARKED_STORE).st_mode & 07777, 0700);
    CU_ASSERT_EQUAL(look(BAKED_KEPT("/usr/share")).st_mode & 07777, 0700);
}

/* A copy in the store, and a new inode in the place: nobody who had it open keeps a privileged one.
 */
static void test_privileged_there_and_back(void) {
    static const char *const paths[] = {BAKED_SETUID, BAKED_CAPABLE};
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_SETUID_TWIN)), 0);
    AUTO_FREE char *before = layout_fixture_snapshot(&root);
    CU_ASSERT_TRUE(layout_fixture_has_privileges(&root, "/usr/bin"));
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        AUTO_FREE char *kept = parked_store_path(paths[i]);
        struct stat active = look(paths[i]);
        park(paths[i], NULL);
        struct stat parked = look(kept);
        CU_ASSERT_NOT_EQUAL(parked.st_ino, active.st_ino);
        CU_ASSERT_EQUAL(parked.st_mode & 07777, 0755);
        CU_ASSERT_EQUAL(parked.st_mtim.tv_nsec, active.st_mtim.tv_nsec);
        CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, PARKED_STORE));
    }
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, "/usr"));
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        AUTO_FREE char *kept = parked_store_path(paths[i]);
        ino_t parked = look(kept).st_ino;
        activate(paths[i], NULL);
        CU_ASSERT_NOT_EQUAL(look(paths[i]).st_ino, parked);
    }
    AUTO_FREE char *after = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

/* The second name of a file that was copied becomes a name of the copy, both ways. */
static void test_names_of_a_privileged_file(void) {
    AUTO_FREE char *before = layout_fixture_snapshot(&root);
    park(BAKED_SETUID, NULL);
    park(BAKED_SETUID_TWIN, BAKED_KEPT(BAKED_SETUID));
    CU_ASSERT_EQUAL(look(BAKED_KEPT(BAKED_SETUID)).st_ino,
                    look(BAKED_KEPT(BAKED_SETUID_TWIN)).st_ino);
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, PARKED_STORE));
    activate(BAKED_SETUID, NULL);
    activate(BAKED_SETUID_TWIN, BAKED_SETUID);
    AUTO_FREE char *after = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void expect_refused(const char *path, const char *twin) {
    AUTO_FREE char *before = layout_fixture_snapshot(&root), *kept = parked_store_path(path);
    CU_ASSERT_EQUAL(move(path, twin, false), -EEXIST);
    AUTO_FREE char *after = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_TRUE(root_exists(&root, kept));
}

static void test_a_place_is_never_overwritten(void) {
    static const char *const paths[] = {BAKED_MODULE, BAKED_LINK, BAKED_CAPABLE};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        park(paths[i], NULL);
        scratch_root_write(&root, paths[i], "somebody else's");
        expect_refused(paths[i], NULL);
        CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, paths[i])), 0);
        scratch_root_link(&root, paths[i], "/nowhere");
        expect_refused(paths[i], NULL);
    }
    park(BAKED_SETUID, NULL);
    park(BAKED_SETUID_TWIN, BAKED_KEPT(BAKED_SETUID));
    activate(BAKED_SETUID, NULL);
    scratch_root_write(&root, BAKED_SETUID_TWIN, "somebody else's");
    expect_refused(BAKED_SETUID_TWIN, BAKED_SETUID);
}

/* A killed run left both, or the half of a copy. */
static void test_what_a_killed_run_left_in_the_store(void) {
    AUTO_FREE char *before = layout_fixture_snapshot(&root);
    scratch_root_write(&root, BAKED_KEPT(BAKED_MODULE), "half a copy");
    scratch_root_write(&root, BAKED_KEPT(BAKED_CAPABLE), "half a copy");
    scratch_root_write(&root, BAKED_KEPT("/usr/bin/.ours-ping.prebake-move"), "half a copy");
    park(BAKED_MODULE, NULL);
    park(BAKED_CAPABLE, NULL);
    CU_ASSERT_FALSE(root_exists(&root, BAKED_KEPT("/usr/bin/.ours-ping.prebake-move")));
    scratch_root_write(&root, "/usr/bin/.ours-ping.prebake-move", "half a copy");
    activate(BAKED_MODULE, NULL);
    activate(BAKED_CAPABLE, NULL);
    AUTO_FREE char *after = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_temporary_name(void) {
    AUTO_FREE char *temporary = relocation_temporary("/usr/bin/x");
    CU_ASSERT_STRING_EQUAL(temporary, "/usr/bin/.x.prebake-move");
}

/* It was there before the bake, and somebody removed it since: dkms does when it is empty. */
static void test_a_folder_that_is_gone(void) {
    park(BAKED_PAIR, NULL);
    park(BAKED_ODD_FILE, NULL);
    CU_ASSERT_EQUAL(rmdir(scratch_root_host(&root, BAKED_ODD_DIR)), 0);
    activate(BAKED_ODD_FILE, NULL);
    CU_ASSERT_EQUAL(look(BAKED_ODD_DIR).st_mode & 07777, 0755);
}

static void test_a_folder_that_others_can_change(void) {
    park(BAKED_MODULE, NULL);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, BAKED_MODULES), 0777), 0);
    CU_ASSERT_EQUAL(move(BAKED_MODULE, NULL, false), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_TRUE(root_exists(&root, BAKED_KEPT(BAKED_MODULE)));
}

/* Copies all through; the namespace is this program's own, so this comes last. */
static void test_store_on_another_file_system(void) {
    static const char *const paths[] = {BAKED_MODULE, BAKED_LINK, BAKED_ODD_FILE, BAKED_CAPABLE};
    tear_down();
    begin(true);
    AUTO_FREE char *before = layout_fixture_snapshot(&root);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        park(paths[i], NULL);
    park(BAKED_PAIR, NULL);
    park(BAKED_PAIR_TWIN, BAKED_KEPT(BAKED_PAIR));
    CU_ASSERT_EQUAL(look(BAKED_KEPT(BAKED_PAIR)).st_nlink, 2);
    CU_ASSERT_EQUAL(look(BAKED_KEPT(BAKED_ODD_FILE)).st_uid, 7);
    CU_ASSERT_FALSE(layout_fixture_has_privileges(&root, PARKED_STORE));
    scratch_root_write(&root, BAKED_MODULE, "somebody else's");
    expect_refused(BAKED_MODULE, NULL);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_MODULE)), 0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        activate(paths[i], NULL);
    activate(BAKED_PAIR, NULL);
    activate(BAKED_PAIR_TWIN, BAKED_PAIR);
    AUTO_FREE char *after = layout_fixture_snapshot(&root);
    CU_ASSERT_STRING_EQUAL(before, after);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"renamed there and back", test_renamed_there_and_back},
        {"privileged there and back", test_privileged_there_and_back},
        {"names of a privileged file", test_names_of_a_privileged_file},
        {"a place is never overwritten", test_a_place_is_never_overwritten},
        {"what a killed run left in the store", test_what_a_killed_run_left_in_the_store},
        {"a copy's temporary name", test_temporary_name},
        {"a folder that is gone", test_a_folder_that_is_gone},
        {"a folder that others can change", test_a_folder_that_others_can_change},
        {"store on another file system", test_store_on_another_file_system},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "relocation", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
