#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/process.h"
#include "kmod/lifecycle/manifest_read.h"
#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static const char *const placed[] = {
    "/usr/src/x-1",           "/usr/src/x-1/a b#\\c=d", "/usr/src/x-1/\xc3\xa9\n[*?]~",
    "/usr/src/x-1/link",      "/usr/src/x-1.conf",      "/usr/src/x-1/sub",
    "/usr/src/x-1/sub/empty", "/usr/bin/setuid",        "/top",
};

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
        if (!strstr(placed[i], "x-1/link") && !strstr(placed[i], "x-1/sub") &&
            strcmp(placed[i], "/usr/src/x-1"))
            scratch_root_write(&root, placed[i], "hi");
    scratch_root_link(&root, "/usr/src/x-1/link", "../x y=\\\xc3\xa9");
    scratch_root_write(&root, "/usr/src/x-1/sub/empty", "");
    chmod(scratch_root_host(&root, "/usr/bin/setuid"), 04755);
    chmod(scratch_root_host(&root, "/usr/src/x-1/sub"), 01750);
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, "/top"), 12, 4294967294U), 0);
    struct timespec old[2] = {{.tv_sec = -5, .tv_nsec = 7}, {.tv_sec = -5, .tv_nsec = 7}};
    utimensat(AT_FDCWD, scratch_root_host(&root, "/top"), old, 0);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static void record(struct manifest *manifest) {
    struct error err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
        CU_ASSERT_EQUAL(manifest_record(manifest, &root, placed[i], &err), 0);
}

static void check_same_entry(const struct manifest_entry *a, const struct manifest_entry *b) {
    CU_ASSERT_STRING_EQUAL(a->path, b->path);
    CU_ASSERT_EQUAL(a->type, b->type);
    CU_ASSERT_EQUAL(a->mode, b->mode);
    CU_ASSERT_EQUAL(a->uid, b->uid);
    CU_ASSERT_EQUAL(a->gid, b->gid);
    CU_ASSERT_EQUAL(a->size, b->size);
    CU_ASSERT_EQUAL(a->mtime.tv_sec, b->mtime.tv_sec);
    CU_ASSERT_EQUAL(a->mtime.tv_nsec, b->mtime.tv_nsec);
    CU_ASSERT_STRING_EQUAL(a->sha256, b->sha256);
    CU_ASSERT_STRING_EQUAL(a->target ? a->target : "", b->target ? b->target : "");
}

static void test_what_is_written_comes_back(void) {
    AUTO_MANIFEST struct manifest written = {0}, found = {0};
    struct error err = {0};
    char sha256[DIGEST_HEX_SIZE], read_sha256[DIGEST_HEX_SIZE];
    record(&written);
    CU_ASSERT_EQUAL(manifest_write(&root, &written, sha256, &err), 0);
    CU_ASSERT_EQUAL(manifest_read(&root, &found, read_sha256, &err), 0);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    CU_ASSERT_STRING_EQUAL(sha256, read_sha256);
    CU_ASSERT_EQUAL(found.count, ARRAY_SIZE(placed));
    for (size_t i = 0; i < found.count && i < written.count; i++)
        check_same_entry(&written.entries[i], &found.entries[i]);
    const struct manifest_entry *setuid = manifest_find(&found, "/usr/bin/setuid");
    CU_ASSERT_PTR_NOT_NULL(setuid);
    CU_ASSERT_EQUAL(setuid ? setuid->mode : 0, 04755);
    const struct manifest_entry *top = manifest_find(&found, "/top");
    CU_ASSERT_EQUAL(top ? top->mtime.tv_sec : 0, -5);
    CU_ASSERT_EQUAL(top ? top->gid : 0, 4294967294U);
    CU_ASSERT_PTR_NULL(manifest_find(&found, "/usr/src"));
    CU_ASSERT_PTR_NULL(manifest_find(&found, "/zzz"));
}

static void test_parents_come_before_what_they_hold(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    struct error err = {0};
    record(&manifest);
    CU_ASSERT_EQUAL(manifest_sort(&manifest, &err), 0);
    const struct manifest_entry *sub = manifest_find(&manifest, "/usr/src/x-1/sub");
    CU_ASSERT_TRUE(sub < manifest_find(&manifest, "/usr/src/x-1/sub/empty"));
    CU_ASSERT_TRUE(sub > manifest_find(&manifest, "/usr/src/x-1"));
}

/* Runs a tool of this machine; its output. */
static int run_tool(const char *const *arguments, struct buffer *output) {
    AUTO_FREE char *program = NULL;
    AUTO_STRLIST struct strlist argv = {0};
    struct error err = {0};
    struct process_result result = {.exit_status = -1};
    int rc = process_find(arguments[0], &program, &err);
    if (!rc)
        rc = strlist_add(&argv, program);
    for (size_t i = 1; !rc && arguments[i]; i++)
        rc = strlist_add(&argv, arguments[i]);
    struct process_spec spec = {.argv = (const char *const *)argv.items, .output = output};
    if (!rc)
        rc = process_run(&spec, &result, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    return rc ? -1 : result.exit_status;
}

static int run_mtree(struct buffer *output) {
    const char *mtree[] = {"mtree",   "-e", "-p",
                           root.path, "-f", scratch_root_host(&root, STATE_FOLDER_MANIFEST),
                           NULL};
    return run_tool(mtree, output);
}

static void write_manifest(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    struct error err = {0};
    char sha256[DIGEST_HEX_SIZE];
    record(&manifest);
    CU_ASSERT_EQUAL(manifest_write(&root, &manifest, sha256, &err), 0);
}

static void test_mtree_finds_the_root_as_written(void) {
    AUTO_BUFFER struct buffer output = {0};
    write_manifest();
    CU_ASSERT_EQUAL(run_mtree(&output), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&output), "");
}

static void test_mtree_sees_each_change(void) {
    AUTO_BUFFER struct buffer output = {0};
    write_manifest();
    const char *sub = scratch_root_host(&root, "/usr/src/x-1/sub");
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 5, .tv_nsec = 6}};
    scratch_root_write(&root, "/usr/src/x-1/a b#\\c=d", "ho"); /* same size, another digest */
    scratch_root_link(&root, "/usr/src/x-1/link", "elsewhere");
    unlink(scratch_root_host(&root, "/usr/src/x-1.conf"));
    chmod(scratch_root_host(&root, "/usr/bin/setuid"), 0755);
    CU_ASSERT_EQUAL(chown(sub, 1, 2), 0);
    utimensat(AT_FDCWD, scratch_root_host(&root, "/usr/src/x-1/\xc3\xa9\n[*?]~"), times, 0);
    CU_ASSERT_EQUAL(run_mtree(&output), 2);
    const char *text = buffer_string(&output);
    static const char *const said[] = {"sha256", "link ref", "x-1.conf",         "permissions (",
                                       "user (", "gid (",    "modification time"};
    for (size_t i = 0; i < ARRAY_SIZE(said); i++)
        if (!strstr(text, said[i]))
            CU_FAIL("mtree does not see every change");
}

static void test_bsdtar_reads_it(void) {
    AUTO_BUFFER struct buffer output = {0};
    write_manifest();
    const char *tar[] = {"bsdtar", "-tf", scratch_root_host(&root, STATE_FOLDER_MANIFEST), NULL};
    CU_ASSERT_EQUAL(run_tool(tar, &output), 0);
    const char *text = buffer_string(&output);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "./usr/src/x-1/a b#\\\\c=d\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "./usr/src/x-1/sub/empty\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "./usr/bin/setuid\n"));
}

static void test_what_could_not_be_read_is_not_written(void) {
    AUTO_MANIFEST struct manifest manifest = {0};
    struct error err = {0};
    static const struct manifest_entry bad[] = {
        {.path = "/a/../b", .type = MANIFEST_DIR},
        {.path = "/", .type = MANIFEST_DIR},
        {.path = "/a", .type = MANIFEST_LINK, .target = ""},
        {.path = "/a", .type = MANIFEST_FILE, .size = 2, .sha256 = "abc"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CU_ASSERT_NOT_EQUAL(manifest_add(&manifest, &bad[i], &err), 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    }
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, "/missing", &err), -ENOENT);
    CU_ASSERT_EQUAL(mkfifo(scratch_root_host(&root, "/fifo"), 0600), 0);
    CU_ASSERT_NOT_EQUAL(manifest_record(&manifest, &root, "/fifo", &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(manifest.count, 0);
    record(&manifest);
    CU_ASSERT_EQUAL(manifest_record(&manifest, &root, placed[0], &err), 0);
    AUTO_BUFFER struct buffer out = {0};
    CU_ASSERT_NOT_EQUAL(manifest_format(&manifest, &out, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "twice"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what is written comes back", test_what_is_written_comes_back},
        {"parents come before what they hold", test_parents_come_before_what_they_hold},
        {"mtree finds the root as written", test_mtree_finds_the_root_as_written},
        {"mtree sees each change", test_mtree_sees_each_change},
        {"bsdtar reads it", test_bsdtar_reads_it},
        {"what could not be read is not written", test_what_could_not_be_read_is_not_written},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "manifest", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
