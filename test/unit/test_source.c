#include "toolchain/source.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_archive.h"
#include "test/unit/scratch_root.h"
#include "toolchain/source_digest.h"

static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static const char *host(const char *path) {
    return scratch_root_host(&root, path);
}

/* A small source as the directory `path`. */
static void make_source(const char *path) {
    AUTO_FREE char *conf = NULL, *script = NULL, *link = NULL;
    if (asprintf(&conf, "%s/dkms.conf", path) < 0 || asprintf(&script, "%s/a/run.sh", path) < 0 ||
        asprintf(&link, "%s/a/link", path) < 0)
        CU_FAIL_FATAL("out of memory");
    scratch_root_run("rm", "-rf", host(path), NULL);
    scratch_root_write(&root, conf, "PACKAGE_NAME=small\n");
    scratch_root_write(&root, script, "#!/bin/sh\n");
    scratch_root_link(&root, link, "run.sh");
}

static bool digest_of(const char *spec, char hex[static DIGEST_HEX_SIZE]) {
    AUTO_SOURCE struct source source = {0};
    struct error err = {0};
    if (source_open(spec, &source, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    memcpy(hex, source.digest, DIGEST_HEX_SIZE);
    return true;
}

static bool have_one_digest(const char *a, const char *b) {
    char first[DIGEST_HEX_SIZE] = "a", second[DIGEST_HEX_SIZE] = "b";
    return digest_of(a, first) && digest_of(b, second) && !strcmp(first, second);
}

/* How source_open() fails on `spec`; nothing may be left behind. */
static bool fails(const char *spec, enum error_kind kind, const char *words) {
    struct source source = {0};
    struct error err = {0};
    int rc = source_open(spec, &source, &err);
    bool as_expected = rc < 0 && err.kind == kind && strstr(err.text, words) && !source.path &&
                       !source.temporary.path && !source.origin;
    if (!as_expected)
        fprintf(stderr, "%s: %d, kind %d: %s\n", spec, rc, err.kind, err.text);
    if (!rc)
        source_close(&source);
    return as_expected;
}

static void test_the_real_package_is_its_unpacked_tree(void) {
    const char *package = scratch_archive_package("nvidia-open-kernel-dkms_535*");
    AUTO_SOURCE struct source source = {0};
    struct error err = {0};
    scratch_root_run("dpkg-deb", "-x", package, host("/unpacked"), NULL);
    CU_ASSERT_EQUAL_FATAL(source_open(package, &source, &err), 0);
    const char *folder = strrchr(source.path, '/');
    CU_ASSERT_EQUAL(strncmp(folder, "/nvidia-current-open-535.", 25), 0);
    CU_ASSERT_EQUAL(strncmp(source.path, source.temporary.path, strlen(source.temporary.path)), 0);
    CU_ASSERT_STRING_EQUAL(source.origin, package);
    char digest[DIGEST_HEX_SIZE] = "";
    AUTO_FREE char *tree = NULL;
    CU_ASSERT_TRUE_FATAL(asprintf(&tree, "/unpacked/usr/src%s", folder) > 0);
    CU_ASSERT_TRUE(digest_of(host(tree), digest));
    CU_ASSERT_STRING_EQUAL(digest, source.digest);
}

static void test_what_was_unpacked_is_removed(void) {
    struct source source = {0};
    struct error err = {0};
    struct stat st;
    const char *package = scratch_archive_package("v4l2loopback-dkms_*");
    CU_ASSERT_EQUAL_FATAL(source_open(package, &source, &err), 0);
    AUTO_FREE char *temporary = strdup(source.temporary.path);
    CU_ASSERT_EQUAL(stat(temporary, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0700);
    source_close(&source);
    CU_ASSERT_EQUAL(stat(temporary, &st), -1);
    CU_ASSERT_PTR_NULL(source.path);
}

static void test_a_directory_stays(void) {
    make_source("/tree");
    struct source source = {0};
    struct error err = {0};
    AUTO_FREE char *indirect = NULL;
    CU_ASSERT_TRUE_FATAL(asprintf(&indirect, "%s/../tree/", host("/tree")) > 0);
    CU_ASSERT_EQUAL_FATAL(source_open(indirect, &source, &err), 0);
    CU_ASSERT_STRING_EQUAL(source.path, host("/tree"));
    CU_ASSERT_PTR_NULL(source.temporary.path);
    source_close(&source);
    CU_ASSERT_TRUE(root_exists(&root, "/tree/dkms.conf"));
}

static void test_tarballs_of_every_layout_are_one_source(void) {
    make_source("/tree");
    scratch_root_run("tar", "-C", host("/tree"), "-cJf", host("/top.tar.xz"), ".", NULL);
    scratch_root_run("tar", "-C", host("/"), "-czf", host("/folder.tgz"), "tree", NULL);
    scratch_root_run("tar", "-C", host("/"), "-cf", host("/mktarball.tar"),
                     "--transform=s,^tree,dkms_source_tree,", "tree", NULL);
    scratch_root_run("tar", "-C", host("/"), "-cf", host("/data.tar.gz"),
                     "--transform=s,^tree,./usr/src/small-1,S", "tree", NULL);
    scratch_archive_deb(&root, "/data.tar.gz", "/small.deb");
    CU_ASSERT_TRUE(have_one_digest(host("/tree"), host("/top.tar.xz")));
    CU_ASSERT_TRUE(have_one_digest(host("/tree"), host("/folder.tgz")));
    CU_ASSERT_TRUE(have_one_digest(host("/tree"), host("/mktarball.tar")));
    CU_ASSERT_TRUE(have_one_digest(host("/tree"), host("/small.deb")));
}

static void test_times_and_owners_do_not_count(void) {
    make_source("/tree");
    make_source("/other");
    scratch_root_run("touch", "-d", "2001-01-01", host("/other/dkms.conf"), NULL);
    scratch_root_run("chown", "1234:1234", host("/other/a"), host("/other/a/run.sh"), NULL);
    CU_ASSERT_TRUE(have_one_digest(host("/tree"), host("/other")));
}

static void test_everything_else_counts(void) {
    static const char *const changes[][4] = {
        {"chmod", "0755", "/other/a/run.sh"},
        {"chmod", "0700", "/other/a"},
        {"ln", "-sfn", "./run.sh", "/other/a/link"},
        {"mv", "/other/a/run.sh", "/other/a/ran.sh"},
        {"truncate", "-s9", "/other/a/run.sh"},
        {"mkdir", "/other/empty"},
        {"rm", "/other/a/link"},
    };
    make_source("/tree");
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        make_source("/other");
        CU_ASSERT_TRUE(have_one_digest(host("/tree"), host("/other")));
        const char *argv[4] = {NULL};
        for (size_t j = 0; j < ARRAY_SIZE(argv); j++)
            argv[j] =
                changes[i][j] && changes[i][j][0] == '/' ? host(changes[i][j]) : changes[i][j];
        scratch_root_run(argv[0], argv[1], argv[2], argv[3], NULL);
        CU_ASSERT_FALSE(have_one_digest(host("/tree"), host("/other")));
    }
}

/* Two names beside each other must not read as one longer name, nor content as a name. */
static void test_records_do_not_run_together(void) {
    scratch_root_write(&root, "/one/dkms.conf", "");
    scratch_root_link(&root, "/one/a", "bc");
    scratch_root_write(&root, "/two/dkms.conf", "");
    scratch_root_link(&root, "/two/ab", "c");
    CU_ASSERT_FALSE(have_one_digest(host("/one"), host("/two")));
}

static void test_what_is_no_source_is_told(void) {
    scratch_root_write(&root, "/text", "hello\n");
    scratch_root_dir(&root, "/empty");
    scratch_root_run("mkfifo", host("/fifo"), NULL);
    scratch_root_run("tar", "-C", host("/"), "-cf", host("/empty.tar"), "empty", NULL);
    CU_ASSERT_TRUE(fails(host("/missing"), ERROR_USAGE, "does not exist"));
    CU_ASSERT_TRUE(fails(host("/text"), ERROR_USAGE, "neither a .deb nor a tar archive"));
    CU_ASSERT_TRUE(fails(host("/fifo"), ERROR_USAGE, "neither a directory nor a regular file"));
    CU_ASSERT_TRUE(fails(host("/empty"), ERROR_DAMAGED, "no dkms.conf in"));
    CU_ASSERT_TRUE(fails(host("/empty.tar"), ERROR_DAMAGED, "no dkms.conf in"));
    scratch_root_link(&root, "/empty/dkms.conf", "/etc/passwd");
    CU_ASSERT_TRUE(fails(host("/empty"), ERROR_DAMAGED, "no dkms.conf in"));
}

static void test_several_sources_are_listed(void) {
    make_source("/both/first");
    make_source("/both/second");
    scratch_root_run("tar", "-C", host("/both"), "-cf", host("/both.tar"), ".", NULL);
    CU_ASSERT_TRUE(fails(host("/both.tar"), ERROR_DAMAGED, "(/first, /second)"));
    /* A link to the one source is no second one; the top's dkms.conf is before any below it. */
    scratch_root_run("rm", "-rf", host("/both/second"), NULL);
    scratch_root_link(&root, "/both/second", "first");
    scratch_root_run("tar", "-C", host("/both"), "-cf", host("/both.tar"), ".", NULL);
    CU_ASSERT_TRUE(have_one_digest(host("/both.tar"), host("/both/first")));
    scratch_root_write(&root, "/both/dkms.conf", "PACKAGE_NAME=top\n");
    scratch_root_run("tar", "-C", host("/both"), "-cf", host("/both.tar"), ".", NULL);
    CU_ASSERT_TRUE(have_one_digest(host("/both.tar"), host("/both")));
}

static void test_unsafe_trees_are_refused(void) {
    make_source("/tree");
    scratch_root_run("mkfifo", host("/tree/fifo"), NULL);
    CU_ASSERT_TRUE(fails(host("/tree"), ERROR_REFUSED, "/fifo is neither"));
    make_source("/tree");
    scratch_root_run("mknod", host("/tree/null"), "c", "1", "3", NULL);
    CU_ASSERT_TRUE(fails(host("/tree"), ERROR_REFUSED, "/null is neither"));
    make_source("/tree");
    scratch_root_link(&root, "/tree/a/out", "../../other");
    CU_ASSERT_TRUE(fails(host("/tree"), ERROR_REFUSED, "a/out is a link that leads out"));
    make_source("/tree");
    scratch_root_link(&root, "/tree/passwd", "/etc/passwd");
    CU_ASSERT_TRUE(fails(host("/tree"), ERROR_REFUSED, "/passwd is a link that leads out"));
}

/* Inside the package but outside its source: the build would have only the source. */
static void test_a_link_out_of_a_packages_source_is_refused(void) {
    make_source("/data/usr/src/small-1");
    scratch_root_write(&root, "/data/usr/share/file", "x");
    scratch_root_link(&root, "/data/usr/src/small-1/file", "../../share/file");
    scratch_root_run("tar", "-C", host("/data"), "-cf", host("/data.tar"), ".", NULL);
    scratch_root_run("rm", "-f", host("/small.deb"), NULL);
    scratch_archive_deb(&root, "/data.tar", "/small.deb");
    CU_ASSERT_TRUE(fails(host("/small.deb"), ERROR_REFUSED, "file is a link that leads out"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the real package is its unpacked tree", test_the_real_package_is_its_unpacked_tree},
        {"what was unpacked is removed", test_what_was_unpacked_is_removed},
        {"a directory stays", test_a_directory_stays},
        {"tarballs of every layout are one source", test_tarballs_of_every_layout_are_one_source},
        {"times and owners do not count", test_times_and_owners_do_not_count},
        {"everything else counts", test_everything_else_counts},
        {"records do not run together", test_records_do_not_run_together},
        {"what is no source is told", test_what_is_no_source_is_told},
        {"several sources are listed", test_several_sources_are_listed},
        {"unsafe trees are refused", test_unsafe_trees_are_refused},
        {"a link out of a package's source is refused",
         test_a_link_out_of_a_packages_source_is_refused},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "source", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
