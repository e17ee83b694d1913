#include "kmod/module/signature_check.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "kmod/module/signature.h"
#include "kmod/module/signature_trailer.h"
#include "test/unit/module_fixture.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static char ours[256], curve[256]; /* paths that outlive workdir_path()'s buffers */

static bool make_key(const char *name, const char *kind, const char *option) {
    char subject[64], key[64], certificate[64];
    snprintf(subject, sizeof subject, "/CN=%s", name);
    snprintf(key, sizeof key, "%s.pem", name);
    snprintf(certificate, sizeof certificate, "%s.crt", name);
    return workdir_run("openssl", "req", "-new", "-x509", "-nodes", "-newkey", kind, "-pkeyopt",
                       option, "-subj", subject, "-keyout", key, "-out", certificate, NULL);
}

static int open_suite(void) {
    if (workdir_open())
        return 1;
    snprintf(ours, sizeof ours, "%s", workdir_path("ours.crt"));
    snprintf(curve, sizeof curve, "%s", workdir_path("curve.crt"));
    return !make_key("ours", "rsa", "rsa_keygen_bits:2048") ||
           !make_key("other", "rsa", "rsa_keygen_bits:2048") ||
           !make_key("curve", "ec", "ec_paramgen_curve:P-256") ||
           !make_key("p521", "ec", "ec_paramgen_curve:P-521") ||
           !make_key("koblitz", "ec", "ec_paramgen_curve:secp256k1") ||
           !make_key("odd", "rsa", "rsa_keygen_bits:2080") ||
           !make_key("short", "rsa", "rsa_keygen_bits:2047");
}

/* The good module, signed by `signer` (NULL: not at all). */
static bool make(const char *signer, const char *hash, struct module_file *file) {
    const struct module_fixture good = FIXTURE_GOOD;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    struct error err = {0};
    char pem[64], certificate[64];
    if (!module_fixture_make(&good, file) || !signer)
        return file->name;
    snprintf(pem, sizeof pem, "%s.pem", signer);
    snprintf(certificate, sizeof certificate, "%s.crt", signer);
    const struct signing_key_source source = {.key = workdir_path(pem),
                                              .certificate = workdir_path(certificate)};
    return !signing_key_load(&source, &key, &err) &&
           !signature_append(&file->content, key, hash, &err);
}

static bool append_message(struct module_file *file, const void *der, size_t size) {
    uint8_t trailer[SIGNATURE_TRAILER_SIZE];
    signature_trailer_write((uint32_t)size, trailer);
    return !buffer_append(&file->content, der, size) &&
           !buffer_append(&file->content, trailer, sizeof trailer);
}

/* The good module, signed by openssl with up to three more options. */
static bool make_foreign(const char *signer, const char *a, const char *b, const char *c,
                         struct module_file *file) {
    AUTO_BUFFER struct buffer der = {0};
    char pem[64], certificate[64];
    snprintf(pem, sizeof pem, "%s.pem", signer);
    snprintf(certificate, sizeof certificate, "%s.crt", signer);
    return make(NULL, NULL, file) &&
           workdir_write("content", file->content.data, file->content.size) &&
           workdir_run("openssl", "cms", "-sign", "-binary", "-nocerts", "-md", "sha256",
                       "-outform", "DER", "-signer", certificate, "-inkey", pem, "-in", "content",
                       "-out", "foreign.der", a, b, c, NULL) &&
           workdir_read("foreign.der", &der) && append_message(file, der.data, der.size);
}

/* NULL: it loads; else what the one failed check, "signature", found. */
static bool judged(const struct verify_target *target, const struct module_file *file,
                   const char *found) {
    AUTO_VERIFY_REPORT struct verify_report report = {0};
    struct error err = {0};
    if (verify_modules(target, file, 1, &report, &err))
        return false;
    const struct verify_verdict *verdict = &report.verdicts[0];
    if (!found)
        return verdict->failure_count == 0;
    return verdict->failure_count == 1 && strcmp(verdict->failures[0].check, "signature") == 0 &&
           strcmp(verdict->failures[0].found, found) == 0;
}

static bool found_is(const struct verify_target *target, const char *signer, const char *hash,
                     const char *found) {
    AUTO_MODULE_FILE struct module_file file = {0};
    return make(signer, hash, &file) && judged(target, &file, found);
}

static bool foreign_is(const struct verify_target *target, const char *signer, const char *a,
                       const char *b, const char *found) {
    AUTO_MODULE_FILE struct module_file file = {0};
    return make_foreign(signer, a, b, NULL, &file) && judged(target, &file, found);
}

/* Whether the key is refused, naming its file and what it is, before anything is signed. */
static bool key_is_refused(const char *key, const char *certificate, const char *kind) {
    AUTO_SIGNING_KEY struct signing_key *loaded = NULL;
    const struct signing_key_source source = {.key = workdir_path(key),
                                              .certificate = workdir_path(certificate)};
    struct error err = {0};
    return signing_key_load(&source, &loaded, &err) == -EKEYREJECTED && !loaded &&
           err.kind == ERROR_SIGNING && strstr(err.text, key) && strstr(err.text, kind);
}

static void test_keys_that_kernels_cannot_check(void) {
    struct verify_target target = module_fixture_target();
    target.ecdsa = true;
    target.certificate = workdir_path("odd.crt");
    CU_ASSERT_TRUE(foreign_is(&target, "odd", "-noattr", NULL, "rsa of 2080 bits"));
    CU_ASSERT_TRUE(key_is_refused("odd.pem", "odd.crt", "rsa of 2080 bits"));
    target.certificate = workdir_path("short.crt"); /* the kernel counts words */
    CU_ASSERT_TRUE(found_is(&target, "short", "sha256", NULL));
    target.certificate = workdir_path("koblitz.crt");
    CU_ASSERT_TRUE(foreign_is(&target, "koblitz", "-noattr", NULL, "ecdsa on secp256k1"));
    CU_ASSERT_TRUE(key_is_refused("koblitz.pem", "koblitz.crt", "secp256k1"));
    target.certificate = workdir_path("p521.crt");
    CU_ASSERT_TRUE(found_is(&target, "p521", "sha256", "ecdsa on secp521r1"));
    target.p521 = true;
    CU_ASSERT_TRUE(found_is(&target, "p521", "sha256", NULL));
}

static void test_algorithm(void) {
    struct verify_target target = module_fixture_target();
    AUTO_MODULE_FILE struct module_file pss = {0};
    target.certificate = ours;
    CU_ASSERT_TRUE(foreign_is(&target, "ours", "-noattr", NULL, NULL));
    CU_ASSERT_TRUE_FATAL(make_foreign("ours", "-noattr", "-keyopt", "rsa_padding_mode:pss", &pss));
    CU_ASSERT_TRUE(judged(&target, &pss, "rsassaPss"));
    target.certificate = NULL; /* the kernel takes it for unsigned */
    target.signature_hash = "sha256";
    CU_ASSERT_TRUE(judged(&target, &pss, NULL));
}

static void test_malformed_without_a_certificate(void) {
    static const uint8_t garbage[256] = {'g', 'a', 'r'};
    struct verify_target target = module_fixture_target();
    AUTO_MODULE_FILE struct module_file file = {0};
    CU_ASSERT_TRUE_FATAL(make(NULL, NULL, &file));
    CU_ASSERT_TRUE_FATAL(append_message(&file, garbage, sizeof garbage));
    target.signature_hash = ""; /* no CONFIG_MODULE_SIG: it is never read */
    CU_ASSERT_TRUE(judged(&target, &file, NULL));
    target.signature_hash = "sha256";
    CU_ASSERT_TRUE(judged(&target, &file, "unreadable"));
    CU_ASSERT_TRUE(foreign_is(&target, "other", "-noattr", "-nodetach", "other"));
    CU_ASSERT_TRUE(foreign_is(&target, "other", NULL, NULL, "other")); /* signed attributes */
    CU_ASSERT_TRUE(foreign_is(&target, "other", "-noattr", NULL, NULL));
    CU_ASSERT_TRUE(found_is(&target, NULL, NULL, NULL));
}

static void test_with_a_certificate(void) {
    struct verify_target target = module_fixture_target();
    target.certificate = ours;
    CU_ASSERT_TRUE(found_is(&target, "ours", "sha256", NULL));
    CU_ASSERT_TRUE(found_is(&target, "ours", "sha512", NULL));
    CU_ASSERT_TRUE(found_is(&target, "other", "sha256", "other"));
    CU_ASSERT_TRUE(found_is(&target, NULL, NULL, "none"));
    target.signature_hash = "sha256";
    CU_ASSERT_TRUE(found_is(&target, "ours", "sha256", NULL));
    CU_ASSERT_TRUE(found_is(&target, "ours", "sha512", "sha512"));
}

static void test_kind_of_key(void) {
    struct verify_target target = module_fixture_target();
    target.certificate = curve;
    CU_ASSERT_TRUE(found_is(&target, "curve", "sha256", "ecdsa"));
    target.ecdsa = true;
    CU_ASSERT_TRUE(found_is(&target, "curve", "sha256", NULL));
}

static void test_without_a_certificate(void) {
    struct verify_target target = module_fixture_target();
    CU_ASSERT_TRUE(found_is(&target, NULL, NULL, NULL));
    target.signature_forced = true;
    CU_ASSERT_TRUE(found_is(&target, NULL, NULL, "none"));
    CU_ASSERT_TRUE(found_is(&target, "other", "sha256", NULL));
}

static void test_tampered(void) {
    struct verify_target target = module_fixture_target();
    AUTO_MODULE_FILE struct module_file file = {0};
    AUTO_VERIFY_REPORT struct verify_report report = {0};
    struct error err = {0};
    target.certificate = ours;
    CU_ASSERT_TRUE_FATAL(make("ours", "sha256", &file));
    file.content.data[9] ^= 1; /* padding in the ELF header */
    CU_ASSERT_EQUAL_FATAL(verify_modules(&target, &file, 1, &report, &err), 0);
    CU_ASSERT_EQUAL_FATAL(report.verdicts[0].failure_count, 1);
    CU_ASSERT_STRING_EQUAL(report.verdicts[0].failures[0].check, "signature");
}

static void test_no_certificate_there(void) {
    struct verify_target target = module_fixture_target();
    AUTO_MODULE_FILE struct module_file file = {0};
    AUTO_VERIFY_REPORT struct verify_report report = {0};
    struct error err = {0};
    target.certificate = workdir_path("nowhere.crt");
    CU_ASSERT_TRUE_FATAL(make(NULL, NULL, &file));
    CU_ASSERT_TRUE(verify_modules(&target, &file, 1, &report, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_SIGNING);
    CU_ASSERT_EQUAL(report.count, 0);
}

static CU_TestInfo tests[] = {
    {"the certificate's, of the configured hash", test_with_a_certificate},
    {"a kind of key that the kernel knows", test_kind_of_key},
    {"without a certificate", test_without_a_certificate},
    {"keys that no kernel can check", test_keys_that_kernels_cannot_check},
    {"the signature's algorithm", test_algorithm},
    {"malformed ones, without a certificate", test_malformed_without_a_certificate},
    {"one bit changed", test_tampered},
    {"a certificate that is not there", test_no_certificate_there},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "signature check",
         .pInitFunc = open_suite,
         .pCleanupFunc = workdir_close,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
