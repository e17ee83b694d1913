#include "builder/userspace.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/userspace_digest.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root top;
static struct error err;

static const char *host(const char *path) {
    return scratch_root_host(&top, path);
}

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&top);
    scratch_root_write(&top, "/us/usr/bin/tool", "tool");
    scratch_root_write(&top, "/us/usr/lib/libx.so.1", "library");
    scratch_root_link(&top, "/us/usr/lib/libx.so", "libx.so.1");
    CU_ASSERT_EQUAL(link(host("/us/usr/lib/libx.so.1"), host("/us/usr/lib/second")), 0);
}

static void tear_down(void) {
    scratch_root_remove(&top);
}

static int read_it(struct userspace *userspace) {
    return userspace_read(host("/us"), userspace, &err);
}

static void test_everything_is_seen(void) {
    AUTO_USERSPACE struct userspace userspace = USERSPACE_INIT;
    chmod(host("/us/usr/bin/tool"), 04755);
    CU_ASSERT_EQUAL(read_it(&userspace), 0);
    CU_ASSERT_EQUAL(userspace.files, 3);
    CU_ASSERT_EQUAL(userspace.links, 1);
    CU_ASSERT_EQUAL(userspace.dirs, 3);
    CU_ASSERT_EQUAL(userspace.bytes, strlen("tool") + strlen("library"));
    CU_ASSERT_EQUAL(userspace.count, 7);
    CU_ASSERT_STRING_EQUAL(userspace.entries[0].path, "/usr");
    CU_ASSERT_EQUAL(userspace.entries[6].twin, 5);
    CU_ASSERT_EQUAL(userspace.entries[5].twin, 5);
    CU_ASSERT_STRING_EQUAL(userspace.entries[4].target, "libx.so.1");
    CU_ASSERT_EQUAL(userspace.privileged.count, 1);
    CU_ASSERT_STRING_EQUAL(userspace.privileged.items[0], "/usr/bin/tool");
}

static void refused(enum error_kind kind, const char *fact) {
    AUTO_USERSPACE struct userspace userspace = USERSPACE_INIT;
    CU_ASSERT(read_it(&userspace) < 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fact));
    CU_ASSERT_EQUAL(userspace.count, 0);
}

static void test_what_is_refused(void) {
    CU_ASSERT_EQUAL(mkfifo(host("/us/usr/pipe"), 0600), 0);
    refused(ERROR_REFUSED, "/usr/pipe is neither");
    unlink(host("/us/usr/pipe"));
    scratch_root_write(&top, "/us/usr/a\x1b[1m", "");
    refused(ERROR_REFUSED, "/usr/a\\x1B[1m has control");
    unlink(host("/us/usr/a\x1b[1m"));
    scratch_root_link(&top, "/us/usr/link", "a\nb");
    refused(ERROR_REFUSED, "/usr/link is a link whose target");
    unlink(host("/us/usr/link"));
    chmod(host("/us/usr/lib"), 0775);
    refused(ERROR_REFUSED, "/usr/lib is a directory that others");
    chmod(host("/us/usr/lib"), 01777);
    CU_ASSERT_EQUAL(chown(host("/us"), 1, 0), 0);
    refused(ERROR_REFUSED, "/us is a directory that others");
}

static void test_no_userspace(void) {
    AUTO_USERSPACE struct userspace userspace = USERSPACE_INIT;
    CU_ASSERT_EQUAL(userspace_read(host("/nowhere"), &userspace, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_EQUAL(userspace_read(host("/us/usr/bin/tool"), &userspace, &err), -ENOTDIR);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    scratch_root_dir(&top, "/empty/usr");
    CU_ASSERT_EQUAL(userspace_read(host("/empty"), &userspace, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
}

static void digest(const char *dir, char hex[static DIGEST_HEX_SIZE]) {
    AUTO_USERSPACE struct userspace userspace = USERSPACE_INIT;
    CU_ASSERT_EQUAL(userspace_read(host(dir), &userspace, &err), 0);
    CU_ASSERT_EQUAL(userspace_digest(&userspace, hex, &err), 0);
}

static void test_equal_ones_have_one_digest(void) {
    char one[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];
    scratch_root_run("cp", "-a", host("/us"), host("/copy"), NULL);
    digest("/us", one);
    digest("/copy", other);
    CU_ASSERT_STRING_EQUAL(one, other);
}

/* Each makes another userspace of a copy. */
static void changed(const char *program, const char *argument, const char *path) {
    char one[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];
    scratch_root_run("rm", "-rf", host("/copy"), NULL);
    scratch_root_run("cp", "-a", host("/us"), host("/copy"), NULL);
    scratch_root_run(program, argument, host(path), NULL);
    digest("/us", one);
    digest("/copy", other);
    CU_ASSERT_STRING_NOT_EQUAL(one, other);
}

static void test_every_change_is_another_digest(void) {
    changed("chmod", "4755", "/copy/usr/bin/tool");
    changed("chown", "3", "/copy/usr/bin/tool");
    changed("touch", "-m", "/copy/usr/bin/tool");
    changed("truncate", "-s+1", "/copy/usr/bin/tool");
    changed("setfattr", "-nuser.x", "/copy/usr/bin/tool");
    changed("chmod", "0700", "/copy/usr/lib");
    changed("mkdir", "-p", "/copy/usr/share");
    changed("rm", "-f", "/copy/usr/lib/libx.so");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"everything is seen", test_everything_is_seen},
        {"what is refused", test_what_is_refused},
        {"no userspace", test_no_userspace},
        {"equal ones have one digest", test_equal_ones_have_one_digest},
        {"every change is another digest", test_every_change_is_another_digest},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "userspace", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
