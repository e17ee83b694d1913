#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/ownership.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

enum { DIRECTORY, FILE_A, LINK, ENTRIES };

static const char *const paths[ENTRIES] = {
    [DIRECTORY] = "/usr/src/x-1", [FILE_A] = "/usr/src/x-1/a", [LINK] = "/usr/src/x-1/link"};

static struct root root = ROOT_INIT;
static struct manifest manifest;
static struct facts facts;
static const char *file;

static void record(void) {
    struct error err = {0};
    char sha256[DIGEST_HEX_SIZE];
    for (size_t i = 0; i < ENTRIES; i++)
        CU_ASSERT_EQUAL(manifest_record(&manifest, &root, paths[i], &err), 0);
    CU_ASSERT_EQUAL(manifest_write(&root, &manifest, sha256, &err), 0);
    for (size_t i = 0; i < ENTRIES; i++)
        CU_ASSERT_EQUAL(facts_record_placed(&root, paths[i], facts_add_placed(&facts), &err), 0);
    CU_ASSERT_EQUAL(facts_record_manifest(&root, &facts, &err), 0);
}

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    scratch_root_write(&root, paths[FILE_A], "content");
    scratch_root_link(&root, paths[LINK], "a");
    file = scratch_root_host(&root, paths[FILE_A]);
    record();
}

static void tear_down(void) {
    manifest_release(&manifest);
    facts_release(&facts);
    scratch_root_remove(&root);
}

/* A scan that comes to the entry after the others says the same as looking at it alone. */
static enum ownership scan_to(const struct ownership_context *context, int which) {
    AUTO_OWNERSHIP_SCAN struct ownership_scan scan = OWNERSHIP_SCAN_INIT(&root, context);
    struct error err = {0};
    enum ownership result = OWNERSHIP_GONE;
    for (int i = 0; i <= which; i++)
        CU_ASSERT_EQUAL(
            ownership_scan_next(&scan, &manifest.entries[i], &facts.placed[i], &result, &err), 0);
    return result;
}

static enum ownership check_with(const struct ownership_context *context, int which) {
    struct error err = {0};
    enum ownership result = OWNERSHIP_GONE;
    CU_ASSERT_EQUAL(ownership_check(&root, context, &manifest.entries[which], &facts.placed[which],
                                    &result, &err),
                    0);
    CU_ASSERT_EQUAL(result, scan_to(context, which));
    return result;
}

static enum ownership check(int which) {
    struct ownership_context context;
    struct error err = {0};
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &context, &err), 0);
    return check_with(&context, which);
}

static enum ownership check_copied(int which) {
    const struct ownership_context context = {.copied = true};
    return check_with(&context, which);
}

static void replace(const char *content) {
    unlink(file);
    scratch_root_write(&root, paths[FILE_A], content);
}

static void test_what_was_placed_is_ours(void) {
    for (int i = 0; i < ENTRIES; i++) {
        CU_ASSERT_EQUAL(check(i), OWNERSHIP_OURS);
        CU_ASSERT_EQUAL(check_copied(i), OWNERSHIP_OURS);
    }
}

static void test_what_is_missing_is_gone(void) {
    unlink(file);
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_GONE);
    scratch_root_run("rm", "-rf", scratch_root_host(&root, "/usr/src"), NULL);
    for (int i = 0; i < ENTRIES; i++)
        CU_ASSERT_EQUAL(check(i), OWNERSHIP_GONE);
    scratch_root_write(&root, "/usr/src", "a file where the folder was");
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_GONE);
}

static void test_made_anew_with_equal_bytes_is_foreign(void) {
    struct stat st;
    CU_ASSERT_EQUAL(stat(file, &st), 0);
    replace("content");
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, file, times, 0), 0);
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
    CU_ASSERT_EQUAL(check_copied(FILE_A), OWNERSHIP_OURS);
}

static void test_any_change_of_the_inode_is_foreign(void) {
    CU_ASSERT_EQUAL(chmod(file, 0755), 0);
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
}

/* Reading would find another digest than this one. */
static void test_no_file_is_read_when_nothing_was_copied(void) {
    memset(manifest.entries[FILE_A].sha256, '0', DIGEST_HEX_SIZE - 1);
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_OURS);
    CU_ASSERT_EQUAL(check_copied(FILE_A), OWNERSHIP_FOREIGN);
}

static void test_a_copied_image_goes_by_content(void) {
    const char *state = scratch_root_host(&root, STATE_FOLDER_MANIFEST);
    const char *copy = scratch_root_host(&root, STATE_FOLDER "/copy");
    struct ownership_context context = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &context, &err), 0);
    CU_ASSERT_FALSE(context.copied);
    scratch_root_run("cp", "-a", state, copy, NULL);
    CU_ASSERT_EQUAL(rename(copy, state), 0);
    replace("content");
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_OURS);
    replace("CONTENT");
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
    replace("content and more");
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
    scratch_root_link(&root, paths[LINK], "b");
    CU_ASSERT_EQUAL(check(LINK), OWNERSHIP_FOREIGN);
    scratch_root_link(&root, paths[LINK], "a");
    CU_ASSERT_EQUAL(check(LINK), OWNERSHIP_OURS);
}

static void test_without_facts_content_decides(void) {
    struct ownership_context context = {0};
    struct error err = {0};
    enum ownership result = OWNERSHIP_GONE;
    CU_ASSERT_EQUAL(ownership_context_make(&root, NULL, &context, &err), 0);
    CU_ASSERT_TRUE(context.copied);
    CU_ASSERT_EQUAL(
        ownership_check(&root, &context, &manifest.entries[FILE_A], NULL, &result, &err), 0);
    CU_ASSERT_EQUAL(result, OWNERSHIP_OURS);
}

#define LISTS "/var/lib/dpkg/info"

static enum ownership check_with_packages(bool copied, int which, int expected_rc) {
    AUTO_OWNERSHIP_PACKAGES struct ownership_packages packages = {.manifest = &manifest};
    struct ownership_context context;
    struct error err = {0};
    enum ownership result = OWNERSHIP_GONE;
    CU_ASSERT_EQUAL(ownership_context_make(&root, &facts, &context, &err), 0);
    context.copied = copied;
    context.packages = &packages;
    for (int again = 0; again < 2; again++) {
        err = (struct error){0};
        CU_ASSERT_EQUAL(ownership_check(&root, &context, &manifest.entries[which],
                                        &facts.placed[which], &result, &err),
                        expected_rc);
        CU_ASSERT_EQUAL(*err.text != '\0', expected_rc != 0);
    }
    CU_ASSERT_EQUAL(packages.asked, copied && which != DIRECTORY);
    return result;
}

/* With the same bytes; that packages name a folder means nothing. */
static void test_what_a_package_took_over_is_foreign(void) {
    CU_ASSERT_EQUAL(check_with_packages(true, FILE_A, 0), OWNERSHIP_OURS);
    scratch_root_write(&root, LISTS "/x.list", "/.\n/usr/src/x-1\n/usr/src/x-1/a\n");
    CU_ASSERT_EQUAL(check_with_packages(true, FILE_A, 0), OWNERSHIP_FOREIGN);
    CU_ASSERT_EQUAL(check_with_packages(true, LINK, 0), OWNERSHIP_OURS);
    CU_ASSERT_EQUAL(check_with_packages(true, DIRECTORY, 0), OWNERSHIP_OURS);
    scratch_root_write(&root, LISTS "/y.list", "/usr/src/x-1/link\n");
    CU_ASSERT_EQUAL(check_with_packages(true, LINK, 0), OWNERSHIP_FOREIGN);
}

/* Nothing but inodes counts then, and no list is read: these can't be. */
static void test_packages_are_not_asked_when_nothing_was_copied(void) {
    scratch_root_write(&root, LISTS "/x.list", "/usr/src/x-1/a\n");
    scratch_root_dir(&root, LISTS "/y.list");
    CU_ASSERT_EQUAL(check_with_packages(false, FILE_A, 0), OWNERSHIP_OURS);
    check_with_packages(true, FILE_A, -EISDIR);
}

/* Nothing can be told of their files: the contents are all there is. */
static void test_packages_that_cannot_be_read(void) {
    scratch_root_dir(&root, "/var/lib/rpm");
    CU_ASSERT_EQUAL(check_with_packages(true, FILE_A, 0), OWNERSHIP_OURS);
}

static void test_another_type_is_foreign(void) {
    unlink(file);
    scratch_root_link(&root, paths[FILE_A], "/etc/passwd");
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
    CU_ASSERT_EQUAL(check_copied(FILE_A), OWNERSHIP_FOREIGN);
    unlink(file);
    CU_ASSERT_EQUAL(mkfifo(file, 0600), 0);
    CU_ASSERT_EQUAL(check_copied(FILE_A), OWNERSHIP_FOREIGN);
    scratch_root_run("rm", "-rf", scratch_root_host(&root, paths[DIRECTORY]), NULL);
    scratch_root_write(&root, paths[DIRECTORY], "");
    CU_ASSERT_EQUAL(check(DIRECTORY), OWNERSHIP_FOREIGN);
}

/* A customer's own copy of the tree, with our bytes, behind a link where ours was. */
static void test_what_is_behind_a_link_is_foreign(void) {
    CU_ASSERT_EQUAL(rename(scratch_root_host(&root, "/usr/src/x-1"),
                           scratch_root_host(&root, "/usr/src/customer")),
                    0);
    scratch_root_link(&root, "/usr/src/x-1", "customer");
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
    for (int i = 0; i < ENTRIES; i++)
        CU_ASSERT_EQUAL(check_copied(i), OWNERSHIP_FOREIGN);
}

static void test_a_folder_with_other_content_is_still_ours(void) {
    scratch_root_write(&root, "/usr/src/x-1/customer", "");
    CU_ASSERT_EQUAL(check(DIRECTORY), OWNERSHIP_OURS);
}

/* Removing one of its names changes a file's ctime; whoever changes more has made it theirs. */
static void test_a_file_with_two_names(void) {
    const char *second = scratch_root_host(&root, "/usr/src/x-1/b");
    CU_ASSERT_EQUAL(link(file, second), 0);
    manifest_release(&manifest);
    facts_release(&facts);
    record();
    facts.placed[FILE_A].link_group = 1;
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_OURS);
    CU_ASSERT_EQUAL(unlink(second), 0);
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_OURS);
    facts.placed[FILE_A].link_group = 0;
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
    facts.placed[FILE_A].link_group = 1;
    CU_ASSERT_EQUAL(chmod(file, 0600), 0);
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
    CU_ASSERT_EQUAL(chmod(file, 0644), 0);
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_OURS);
    scratch_root_write(&root, paths[FILE_A], "changed");
    CU_ASSERT_EQUAL(check(FILE_A), OWNERSHIP_FOREIGN);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what was placed is ours", test_what_was_placed_is_ours},
        {"what is missing is gone", test_what_is_missing_is_gone},
        {"made anew with equal bytes is foreign", test_made_anew_with_equal_bytes_is_foreign},
        {"any change of the inode is foreign", test_any_change_of_the_inode_is_foreign},
        {"no file is read when nothing was copied", test_no_file_is_read_when_nothing_was_copied},
        {"a copied image goes by content", test_a_copied_image_goes_by_content},
        {"without facts content decides", test_without_facts_content_decides},
        {"what a package took over is foreign", test_what_a_package_took_over_is_foreign},
        {"packages are not asked when nothing was copied",
         test_packages_are_not_asked_when_nothing_was_copied},
        {"packages that can't be read", test_packages_that_cannot_be_read},
        {"another type is foreign", test_another_type_is_foreign},
        {"what is behind a link is foreign", test_what_is_behind_a_link_is_foreign},
        {"a folder with other content is still ours",
         test_a_folder_with_other_content_is_still_ours},
        {"a file with two names", test_a_file_with_two_names},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "ownership", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
