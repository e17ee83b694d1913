#include "kmod/module/sign_file.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static struct buffer der;
static struct error err;

static void set_up(void) {
    der = (struct buffer){0};
    err = (struct error){0};
}

static void tear_down(void) {
    buffer_release(&der);
}

/* A program in sign-file's place: `sign-file -d HASH KEY CERTIFICATE FILE` leaves FILE.p7s. */
static int run(const char *script, const char *key, const char *pin, unsigned seconds) {
    AUTO_BUFFER struct buffer text = {0};
    if (buffer_printf(&text, "#!/bin/sh\n%s\n", script) ||
        !workdir_write("sign-file", text.data, text.size) || chmod(workdir_path("sign-file"), 0700))
        return 1;
    const struct sign_file spec = {.program = workdir_path("sign-file"),
                                   .key = key,
                                   .certificate = "/certificate",
                                   .pin = pin,
                                   .seconds = seconds};
    return sign_file_run(&spec, "sha256", "module", 6, &der, &err);
}

static void test_what_it_is_given(void) {
    static const char script[] =
        "[ \"$1 $2 $4\" = '-d sha256 /certificate' ] || exit 2\n"
        "[ \"$3\" = pkcs11:object=a ] && [ -z \"$KBUILD_SIGN_PIN\" ] || exit 3\n"
        "[ \"$(stat -c %a \"$5\" \"${5%/*}\")\" = \"600\n700\" ] || exit 4\n"
        "cat \"$5\" >\"$5.p7s\"";
    CU_ASSERT_EQUAL(run(script, "pkcs11:object=a", NULL, 0), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&der), "module");
}

/* In the environment, and in the file that the URI names. */
static void test_pin(void) {
    static const char script[] =
        "[ \"$KBUILD_SIGN_PIN\" = 1234 ] || exit 2\n"
        "[ \"${3%%/proc/*}\" = 'pkcs11:object=a?pin-source=file:' ] || exit 3\n"
        "[ \"$(cat \"${3#*file:}\")\" = 1234 ] || exit 4\n"
        "case $* in *1234*) exit 5 ;; esac\n"
        "echo signature >\"$5.p7s\"";
    CU_ASSERT_EQUAL(run(script, "pkcs11:object=a", "1234", 0), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&der), "signature\n");
}

static void test_its_last_words(void) {
    CU_ASSERT_EQUAL(run("echo first; echo 'no such token' >&2; exit 7", "pkcs11:", NULL, 0),
                    -EKEYREJECTED);
    CU_ASSERT_EQUAL(err.kind, ERROR_SIGNING);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(exit status 7): no such token"));
    CU_ASSERT_EQUAL(der.size, 0);
}

/* A token that waits for somebody. */
static void test_it_takes_too_long(void) {
    CU_ASSERT_EQUAL(run("exec sleep 60", "pkcs11:object=a", "1234", 1), -ETIMEDOUT);
    CU_ASSERT_EQUAL(err.kind, ERROR_SIGNING);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "did not sign with pkcs11:object=a in time"));
    CU_ASSERT_EQUAL(der.size, 0);
}

static void test_no_signature(void) {
    CU_ASSERT_TRUE(run("exit 0", "pkcs11:object=a", NULL, 0) < 0);
    CU_ASSERT_EQUAL(run("echo >\"$5.p7s\"; truncate -s 1M \"$5.p7s\"", "pkcs11:object=a", NULL, 0),
                    -EFBIG);
}

static int open_suite(void) {
    return workdir_open();
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what it is given", test_what_it_is_given}, {"the PIN", test_pin},
        {"its last words", test_its_last_words},     {"it takes too long", test_it_takes_too_long},
        {"no signature", test_no_signature},         CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "sign-file",
         .pInitFunc = open_suite,
         .pCleanupFunc = workdir_close,
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
