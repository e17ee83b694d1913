#include "builder/cmd_sign.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/module/module_file.h"
#include "kmod/module/signature.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

/* A real kernel's headers, whose configuration says sha256. */
#define RELEASE "6.1.0-47-cloud-amd64"

static const struct command *const commands[] = {&cmd_sign, NULL};
static const struct command_program program = {
    .name = "prebake", .purpose = "test", .examples = "", .commands = commands};

static int open_suite(void) {
    return workdir_open() ||
           !workdir_run("openssl", "req", "-new", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj",
                        "/CN=Sign command", "-keyout", "key.pem", "-out", "cert.pem", NULL);
}

/* `prebake sign` with these words behind the key and the certificate (up to four); the exit status.
 * What it prints on stdout goes to the file "stdout". */
static int run_sign(const char *a, const char *b, const char *c, const char *d) {
    char key[128], certificate[128];
    snprintf(key, sizeof key, "--sign-key=%s", workdir_path("key.pem"));
    snprintf(certificate, sizeof certificate, "--sign-cert=%s", workdir_path("cert.pem"));
    char *argv[] = {"prebake", "sign",    key,       certificate, (char *)a,
                    (char *)b, (char *)c, (char *)d, NULL};
    int argc = 4;
    while (argv[argc])
        argc++;
    fflush(stdout);
    int kept = dup(1);
    int out = open(workdir_path("stdout"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (kept < 0 || out < 0 || dup2(out, 1) < 0)
        return -1;
    int status = command_main(&program, argc, argv);
    fflush(stdout);
    dup2(kept, 1);
    close(kept);
    close(out);
    return status;
}

/* What the file's signature says its hash is; "" when the certificate does not fit. */
static const char *hash_of(const char *name) {
    static char hash[32];
    AUTO_MODULE_FILE struct module_file file = {0};
    AUTO_SIGNATURE_INFO struct signature_info info = {0};
    hash[0] = '\0';
    if (!module_file_read(workdir_path(name), &file, NULL) &&
        !signature_read(file.content.data, file.content.size, &info, NULL) &&
        !signature_verify(file.content.data, file.content.size, workdir_path("cert.pem"), NULL))
        snprintf(hash, sizeof hash, "%s", info.hash);
    return hash;
}

static mode_t mode_of(const char *name) {
    struct stat st;
    return lstat(workdir_path(name), &st) ? 0 : st.st_mode;
}

static bool left_a_temporary(void) {
    AUTO_BUFFER struct buffer names = {0};
    return !workdir_output(&names, "ls", "-A", NULL) || strstr(buffer_string(&names), ".prebake-");
}

static void test_hash_of_the_kernel(void) {
    CU_ASSERT_TRUE(workdir_module("kernel.ko", RELEASE " SMP preempt mod_unload modversions "));
    CU_ASSERT_EQUAL(run_sign(workdir_path("kernel.ko"), NULL, NULL, NULL), 0);
    CU_ASSERT_STRING_EQUAL(hash_of("kernel.ko"), "sha256");
    AUTO_BUFFER struct buffer line = {0};
    CU_ASSERT_TRUE(workdir_read("stdout", &line));
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&line), "kernel.ko: signed with sha256"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&line), "\"Sign command\""));
}

static void test_no_headers(void) {
    AUTO_BUFFER struct buffer before = {0}, after = {0};
    CU_ASSERT_TRUE(workdir_module("foreign.ko", "1.2.3-none SMP "));
    CU_ASSERT_TRUE(workdir_read("foreign.ko", &before));
    CU_ASSERT_EQUAL(run_sign(workdir_path("foreign.ko"), NULL, NULL, NULL), ERROR_NO_HEADERS);
    CU_ASSERT_TRUE(workdir_read("foreign.ko", &after));
    CU_ASSERT_TRUE(before.size == after.size && !memcmp(before.data, after.data, after.size));
    CU_ASSERT_EQUAL(run_sign("--kernel", RELEASE, workdir_path("foreign.ko"), NULL), 0);
    CU_ASSERT_STRING_EQUAL(hash_of("foreign.ko"), "sha256");
    CU_ASSERT_EQUAL(run_sign("--hash=sha512", workdir_path("foreign.ko"), NULL, NULL), 0);
    CU_ASSERT_STRING_EQUAL(hash_of("foreign.ko"), "sha512");
}

/* Packed the same way, same mode, links followed, several files at once. */
static void test_in_place(void) {
    CU_ASSERT_TRUE(workdir_module("a.ko", "1.2.3 ") && workdir_module("b.ko", "1.2.3 ") &&
                   workdir_module("c.ko", "1.2.3 "));
    CU_ASSERT_TRUE(workdir_run("xz", "--check=crc32", "a.ko", NULL));
    CU_ASSERT_TRUE(workdir_run("zstd", "-q", "--rm", "b.ko", NULL));
    CU_ASSERT_TRUE(workdir_run("gzip", "-n", "c.ko", NULL));
    CU_ASSERT_EQUAL(chmod(workdir_path("a.ko.xz"), 0640), 0);
    CU_ASSERT_EQUAL(symlink("b.ko.zst", workdir_path("link.ko")), 0);
    CU_ASSERT_EQUAL(run_sign("--hash=sha384", workdir_path("a.ko.xz"), workdir_path("link.ko"),
                             workdir_path("c.ko.gz")),
                    0);
    CU_ASSERT_STRING_EQUAL(hash_of("a.ko.xz"), "sha384");
    CU_ASSERT_STRING_EQUAL(hash_of("b.ko.zst"), "sha384");
    CU_ASSERT_STRING_EQUAL(hash_of("c.ko.gz"), "sha384");
    CU_ASSERT_EQUAL(mode_of("a.ko.xz"), S_IFREG | 0640);
    CU_ASSERT_TRUE(S_ISLNK(mode_of("link.ko")));
    CU_ASSERT_TRUE(workdir_run("xz", "-t", "a.ko.xz", NULL));
    CU_ASSERT_TRUE(workdir_run("zstd", "-qt", "b.ko.zst", NULL));
    CU_ASSERT_TRUE(workdir_run("gzip", "-t", "c.ko.gz", NULL));
    CU_ASSERT_FALSE(left_a_temporary());
}

static void test_same_bytes_again(void) {
    AUTO_BUFFER struct buffer once = {0}, twice = {0};
    CU_ASSERT_TRUE(workdir_module("again.ko", "1.2.3 "));
    CU_ASSERT_EQUAL(run_sign("--hash=sha256", workdir_path("again.ko"), NULL, NULL), 0);
    CU_ASSERT_TRUE(workdir_read("again.ko", &once));
    CU_ASSERT_EQUAL(run_sign("--hash=sha256", workdir_path("again.ko"), NULL, NULL), 0);
    CU_ASSERT_TRUE(workdir_read("again.ko", &twice));
    CU_ASSERT_TRUE(once.size == twice.size && !memcmp(once.data, twice.data, once.size));
}

static void test_exit_statuses(void) {
    CU_ASSERT_TRUE(workdir_write("text", "hello", 5));
    CU_ASSERT_TRUE(workdir_module("good.ko", "1.2.3 "));
    const char *good = workdir_path("good.ko");
    CU_ASSERT_EQUAL(run_sign(NULL, NULL, NULL, NULL), ERROR_USAGE);
    CU_ASSERT_EQUAL(run_sign("--hash=md5", good, NULL, NULL), ERROR_USAGE);
    CU_ASSERT_EQUAL(run_sign("--hash=sha256", workdir_path("text"), NULL, NULL), ERROR_DAMAGED);
    CU_ASSERT_EQUAL(run_sign("--hash=sha256", workdir_path("nowhere"), NULL, NULL), ERROR_INTERNAL);
    CU_ASSERT_TRUE(workdir_run("openssl", "genrsa", "-out", "key.pem", "2048", NULL));
    CU_ASSERT_EQUAL(run_sign("--hash=sha256", good, NULL, NULL), ERROR_SIGNING);
    CU_ASSERT_TRUE(workdir_run("rm", "key.pem", NULL));
    CU_ASSERT_EQUAL(run_sign("--hash=sha256", good, NULL, NULL), ERROR_SIGNING);
    CU_ASSERT_STRING_EQUAL(hash_of("good.ko"), "");
    CU_ASSERT_FALSE(left_a_temporary());
}

static CU_TestInfo tests[] = {
    {"the hash is what the module's kernel wants", test_hash_of_the_kernel},
    {"without headers, the hash must be named", test_no_headers},
    {"in place, packed as before", test_in_place},
    {"signed twice is signed once", test_same_bytes_again},
    {"exit statuses", test_exit_statuses},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "sign command",
         .pInitFunc = open_suite,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
