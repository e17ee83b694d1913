#include "kmod/module/signature.h"

#include <CUnit/Basic.h>
#include <glob.h>
#include <libkmod.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "kmod/module/signature_trailer.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define TRAILER_SIZE SIGNATURE_TRAILER_SIZE

static struct buffer module;   /* unsigned */
static char *kernel_sign_file; /* the real one, of some kernel's headers */
static const char *const keys[] = {"rsa2048", "rsa4096", "ec"};

static bool make_key(const char *name) {
    char key[64], certificate[64], der[64], subject[64];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(certificate, sizeof certificate, "%s.pem", name);
    snprintf(der, sizeof der, "%s.der", name);
    snprintf(subject, sizeof subject, "/O=Image team/CN=Key %s", name);
    bool made = !strcmp(name, "ec")
                    ? workdir_run("openssl", "ecparam", "-genkey", "-noout", "-name", "prime256v1",
                                  "-out", key, NULL)
                    : workdir_run("openssl", "genrsa", "-out", key, name + strlen("rsa"), NULL);
    return made &&
           workdir_run("openssl", "req", "-new", "-x509", "-key", key, "-subj", subject, "-days",
                       "30", "-out", certificate, NULL) &&
           workdir_run("openssl", "x509", "-in", certificate, "-outform", "DER", "-out", der, NULL);
}

static bool find_sign_file(void) {
    glob_t found;
    if (!glob("/usr/lib/linux-kbuild-*/scripts/sign-file", 0, NULL, &found) ||
        !glob("/usr/src/*/scripts/sign-file", 0, NULL, &found))
        kernel_sign_file = strdup(found.gl_pathv[0]);
    else
        fprintf(stderr, "no kernel headers with scripts/sign-file are installed\n");
    globfree(&found);
    return kernel_sign_file != NULL;
}

static int open_suite(void) {
    if (workdir_open() || !find_sign_file() || !workdir_module("module.ko", "6.1.0-1 SMP ") ||
        !workdir_read("module.ko", &module))
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!make_key(keys[i]))
            return 1;
    return 0;
}

static int close_suite(void) {
    buffer_release(&module);
    free(kernel_sign_file);
    return workdir_close();
}

/* "rsa2048" → the key of that name; NULL with the error's text on stderr. */
static struct signing_key *load(const char *name) {
    char key[64], certificate[64];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(certificate, sizeof certificate, "%s.der", name);
    const struct signing_key_source source = {.key = workdir_path(key),
                                              .certificate = workdir_path(certificate)};
    struct signing_key *loaded = NULL;
    struct error err = {0};
    if (signing_key_load(&source, &loaded, &err))
        fprintf(stderr, "%s\n", err.text);
    return loaded;
}

static bool load_fails(const struct signing_key_source *source, const char *with) {
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    struct error err = {0};
    int rc = signing_key_load(source, &key, &err);
    if (rc && err.kind == ERROR_SIGNING && strstr(err.text, with))
        return true;
    fprintf(stderr, "expected \"%s\", got %d: %s\n", with, rc, err.text);
    return false;
}

static bool copy_of(const struct buffer *from, struct buffer *to) {
    return !buffer_append(to, from->data, from->size);
}

static bool same(const struct buffer *a, const struct buffer *b) {
    return a->size == b->size && !memcmp(a->data, b->data, a->size);
}

/* The module, signed by us with the key of that name. */
static bool sign(const char *name, const char *hash, struct buffer *out) {
    AUTO_SIGNING_KEY struct signing_key *key = load(name);
    struct error err = {0};
    if (key && copy_of(&module, out) && !signature_append(out, key, hash, &err))
        return true;
    fprintf(stderr, "%s\n", err.text);
    return false;
}

/* The module, signed by the kernel's own program. */
static bool sign_with_kernel(const char *name, const char *hash, struct buffer *out) {
    char key[64], certificate[64];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(certificate, sizeof certificate, "%s.der", name);
    return workdir_write("theirs.ko", module.data, module.size) &&
           workdir_run(kernel_sign_file, hash, key, certificate, "theirs.ko", NULL) &&
           workdir_read("theirs.ko", out);
}

static int verify(const struct buffer *signed_module, const char *certificate) {
    struct error err = {0};
    int rc =
        signature_verify(signed_module->data, signed_module->size, workdir_path(certificate), &err);
    return rc && err.kind != ERROR_SIGNING ? -EIO : rc;
}

static void test_same_as_sign_file(void) {
    static const char *const hashes[] = {"sha1",   "sha224",   "sha256",   "sha384",
                                         "sha512", "sha3-256", "sha3-384", "sha3-512"};
    for (size_t k = 0; k < 2; k++) {
        for (size_t h = 0; h < ARRAY_SIZE(hashes); h++) {
            AUTO_BUFFER struct buffer ours = {0}, theirs = {0};
            CU_ASSERT_TRUE(sign(keys[k], hashes[h], &ours));
            CU_ASSERT_TRUE(sign_with_kernel(keys[k], hashes[h], &theirs));
            CU_ASSERT_TRUE(ours.size > module.size + TRAILER_SIZE);
            CU_ASSERT_TRUE(same(&ours, &theirs));
        }
    }
}

/* Splits ours into content and CMS message for `openssl cms`. */
static bool openssl_verifies(const struct buffer *signed_module, const char *certificate) {
    const uint8_t *der = signed_module->data + module.size;
    size_t der_size = signed_module->size - module.size - TRAILER_SIZE;
    return workdir_write("message.der", der, der_size) &&
           workdir_write("content", module.data, module.size) &&
           workdir_run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in",
                       "message.der", "-content", "content", "-certfile", certificate, "-nointern",
                       "-noverify", "-out", "verified", NULL);
}

static void test_openssl_verifies(void) {
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
        AUTO_BUFFER struct buffer ours = {0};
        char certificate[64];
        snprintf(certificate, sizeof certificate, "%s.pem", keys[k]);
        CU_ASSERT_TRUE(sign(keys[k], "sha256", &ours));
        CU_ASSERT_TRUE(openssl_verifies(&ours, certificate));
    }
}

static void test_verify(void) {
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
        AUTO_BUFFER struct buffer ours = {0}, theirs = {0};
        char certificate[64];
        CU_ASSERT_TRUE(sign(keys[k], "sha512", &ours));
        CU_ASSERT_TRUE(sign_with_kernel(keys[k], "sha512", &theirs));
        for (size_t c = 0; c < ARRAY_SIZE(keys); c++) {
            snprintf(certificate, sizeof certificate, "%s.%s", keys[c], c % 2 ? "pem" : "der");
            CU_ASSERT_EQUAL(verify(&ours, certificate), c == k ? 0 : -EKEYREJECTED);
            CU_ASSERT_EQUAL(verify(&theirs, certificate), c == k ? 0 : -EKEYREJECTED);
        }
    }
    CU_ASSERT_EQUAL(verify(&module, "rsa2048.pem"), -ENOENT);
}

static void test_altered_content(void) {
    AUTO_BUFFER struct buffer ours = {0};
    CU_ASSERT_TRUE(sign("rsa2048", "sha256", &ours));
    for (unsigned i = 0; i < 200; i++) {
        size_t at = workdir_random() % module.size;
        ours.data[at] ^= 1;
        CU_ASSERT_EQUAL(verify(&ours, "rsa2048.der"), -EKEYREJECTED);
        ours.data[at] ^= 1;
    }
    CU_ASSERT_EQUAL(verify(&ours, "rsa2048.der"), 0);
}

static void test_old_signature_goes(void) {
    AUTO_SIGNING_KEY struct signing_key *key = load("rsa4096");
    AUTO_BUFFER struct buffer once = {0}, again = {0}, twice_signed = {0};
    struct error err = {0};
    CU_ASSERT_TRUE(sign("rsa4096", "sha256", &once));
    CU_ASSERT_TRUE(sign("rsa2048", "sha512", &again));
    CU_ASSERT_EQUAL(signature_append(&again, key, "sha256", &err), 0);
    CU_ASSERT_TRUE(same(&once, &again));
    /* sign-file leaves an old signature where it is. */
    CU_ASSERT_TRUE(workdir_write("twice.ko", once.data, once.size));
    CU_ASSERT_TRUE(
        workdir_run(kernel_sign_file, "sha1", "rsa2048.key", "rsa2048.pem", "twice.ko", NULL));
    CU_ASSERT_TRUE(workdir_read("twice.ko", &twice_signed));
    CU_ASSERT_TRUE(twice_signed.size > once.size);
    CU_ASSERT_EQUAL(signature_append(&twice_signed, key, "sha256", &err), 0);
    CU_ASSERT_TRUE(same(&once, &twice_signed));
}

static void test_failure_leaves_module(void) {
    AUTO_SIGNING_KEY struct signing_key *key = load("rsa2048");
    AUTO_BUFFER struct buffer before = {0}, after = {0};
    struct error err = {0};
    CU_ASSERT_TRUE(sign("rsa2048", "sha256", &before) && copy_of(&before, &after));
    CU_ASSERT_EQUAL(signature_append(&after, key, "md5", &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_SIGNING);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "md5"));
    CU_ASSERT_TRUE(same(&before, &after));
}

/* libkmod, which modinfo uses, is the judge of what the fields are. */
static char *kmod_says(const char *path, const char *wanted) {
    struct kmod_ctx *kmod = kmod_new(NULL, NULL);
    struct kmod_module *loaded = NULL;
    struct kmod_list *info = NULL, *item;
    char *value = NULL;
    if (!kmod_module_new_from_path(kmod, path, &loaded)) {
        kmod_module_get_info(loaded, &info);
        kmod_list_foreach(item, info) {
            if (!value && !strcmp(kmod_module_info_get_key(item), wanted))
                value = strdup(kmod_module_info_get_value(item));
        }
        kmod_module_info_free_list(info);
        kmod_module_unref(loaded);
    }
    kmod_unref(kmod);
    return value ? value : strdup("");
}

static void test_info_is_what_modinfo_prints(void) {
    static const char *const hashes[] = {"sha1", "sha256", "sha512"};
    for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
        AUTO_BUFFER struct buffer ours = {0};
        AUTO_SIGNATURE_INFO struct signature_info info = {0};
        struct error err = {0};
        CU_ASSERT_TRUE(sign(keys[i], hashes[i], &ours));
        CU_ASSERT_TRUE(workdir_write("ours.ko", ours.data, ours.size));
        CU_ASSERT_EQUAL_FATAL(signature_read(ours.data, ours.size, &info, &err), 0);
        AUTO_FREE char *signer = kmod_says(workdir_path("ours.ko"), "signer");
        AUTO_FREE char *key_id = kmod_says(workdir_path("ours.ko"), "sig_key");
        AUTO_FREE char *hash = kmod_says(workdir_path("ours.ko"), "sig_hashalgo");
        CU_ASSERT_STRING_EQUAL(info.signer, signer);
        CU_ASSERT_STRING_EQUAL(info.key_id, key_id);
        CU_ASSERT_STRING_EQUAL(info.hash, hash);
        CU_ASSERT_STRING_EQUAL(info.hash, hashes[i]);
        CU_ASSERT_STRING_EQUAL(info.signer + strlen("Key "), keys[i]);
    }
    struct signature_info none;
    CU_ASSERT_EQUAL(signature_read(module.data, module.size, &none, NULL), -ENOENT);
}

static void test_not_a_pair(void) {
    const struct signing_key_source source = {.key = workdir_path("rsa2048.key"),
                                              .certificate = workdir_path("rsa4096.pem")};
    CU_ASSERT_TRUE(load_fails(&source, "does not belong"));
    const struct signing_key_source kinds = {.key = workdir_path("ec.key"),
                                             .certificate = workdir_path("rsa4096.pem")};
    CU_ASSERT_TRUE(load_fails(&kinds, "does not belong"));
}

static void test_bad_key_files(void) {
    CU_ASSERT_TRUE(workdir_write("junk", "-----BEGIN PRIVATE KEY-----\nAAAA\n", 33));
    CU_ASSERT_TRUE(workdir_write("large", module.data, module.size));
    CU_ASSERT_TRUE(workdir_run("truncate", "-s", "2M", "large", NULL));
    static const char *const bad[][3] = {
        /* key, certificate, what the sentence says */
        {"missing", "rsa2048.pem", "No such file"},
        {"rsa2048.key", "missing", "No such file"},
        {"junk", "rsa2048.pem", "not a private key"},
        {"rsa2048.key", "junk", "not an X.509"},
        {".", "rsa2048.pem", "Is a directory"},
        {"rsa2048.key", ".", "directory"},
        {"large", "rsa2048.pem", "too large"},
        {"rsa2048.key", "large", "larger than"},
        {"rsa2048.pem", "rsa2048.pem", "not a private key"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const struct signing_key_source source = {.key = workdir_path(bad[i][0]),
                                                  .certificate = workdir_path(bad[i][1])};
        CU_ASSERT_TRUE(load_fails(&source, bad[i][2]));
    }
}

static void test_encrypted_key(void) {
    CU_ASSERT_TRUE(workdir_run("openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in",
                               "rsa2048.key", "-out", "locked.key", "-passout", "pass:open sesame",
                               NULL));
    CU_ASSERT_TRUE(workdir_write("right", "open sesame\n", 12));
    CU_ASSERT_TRUE(workdir_write("wrong", "open says me", 12));
    struct signing_key_source source = {.key = workdir_path("locked.key"),
                                        .certificate = workdir_path("rsa2048.pem")};
    unsetenv("KBUILD_SIGN_PIN");
    CU_ASSERT_TRUE(load_fails(&source, "is encrypted"));
    source.passphrase_path = workdir_path("wrong");
    CU_ASSERT_TRUE(load_fails(&source, "does not open"));
    source.passphrase_path = workdir_path("nowhere");
    CU_ASSERT_TRUE(load_fails(&source, "No such file"));
    source.passphrase_path = workdir_path("right");
    AUTO_SIGNING_KEY struct signing_key *by_file = NULL, *by_environment = NULL;
    CU_ASSERT_EQUAL(signing_key_load(&source, &by_file, NULL), 0);
    source.passphrase_path = NULL;
    setenv("KBUILD_SIGN_PIN", "open sesame", 1);
    CU_ASSERT_EQUAL(signing_key_load(&source, &by_environment, NULL), 0);
    setenv("KBUILD_SIGN_PIN", "open says me", 1);
    CU_ASSERT_TRUE(load_fails(&source, "does not open"));
    unsetenv("KBUILD_SIGN_PIN");
}

static void count_warning(void *context, enum log_level level, const char *message) {
    if (level == LOG_LEVEL_WARNING && strstr(message, "0644"))
        ++*(int *)context;
}

static void test_shared_key_warns(void) {
    int warnings = 0;
    log_set_sink(count_warning, &warnings);
    CU_ASSERT_EQUAL(chmod(workdir_path("rsa2048.key"), 0600), 0);
    AUTO_SIGNING_KEY struct signing_key *quiet = load("rsa2048");
    CU_ASSERT_PTR_NOT_NULL(quiet);
    CU_ASSERT_EQUAL(warnings, 0);
    CU_ASSERT_EQUAL(chmod(workdir_path("rsa2048.key"), 0644), 0);
    AUTO_SIGNING_KEY struct signing_key *warned = load("rsa2048");
    CU_ASSERT_EQUAL(warnings, 1);
    CU_ASSERT_PTR_NOT_NULL(warned);
    CU_ASSERT_EQUAL(chmod(workdir_path("rsa2048.key"), 0600), 0);
    log_set_sink(NULL, NULL);
}

/*
 * A token stands behind sign-file. Here it is the real sign-file behind a script that, when the PIN
 * is right, signs with the 2048-bit key and its certificate, whatever it is told.
 */
static bool write_token_signer(void) {
    AUTO_BUFFER struct buffer script = {0};
    return !buffer_printf(&script,
                          "#!/bin/sh\n"
                          "[ \"$KBUILD_SIGN_PIN\" = 1234 ] || { echo 'wrong PIN'; exit 1; }\n"
                          "[ \"${3%%/fd/*}\" = "
                          "\"pkcs11:object=modules?pin-source=file:/proc/$PPID\" ] || exit 2\n"
                          "[ \"$(cat \"${3#*file:}\")\" = 1234 ] || exit 3\n"
                          "exec %s \"$1\" \"$2\" %s %s \"$5\"\n",
                          kernel_sign_file, workdir_path("rsa2048.key"),
                          workdir_path("rsa2048.pem")) &&
           workdir_write("sign-file", script.data, script.size) &&
           !chmod(workdir_path("sign-file"), 0700);
}

static void test_token_key(void) {
    CU_ASSERT_TRUE(write_token_signer());
    CU_ASSERT_TRUE(workdir_write("pin", "1234\n", 5) && workdir_write("bad-pin", "1\n", 2));
    struct signing_key_source source = {.key = "pkcs11:object=modules",
                                        .certificate = workdir_path("rsa2048.pem"),
                                        .passphrase_path = workdir_path("pin")};
    CU_ASSERT_TRUE(load_fails(&source, "sign-file"));
    source.sign_file = workdir_path("sign-file");
    AUTO_SIGNING_KEY struct signing_key *key = NULL, *locked = NULL, *wrong = NULL;
    AUTO_BUFFER struct buffer ours = {0}, expected = {0}, kept = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL_FATAL(signing_key_load(&source, &key, &err), 0);
    CU_ASSERT_TRUE(copy_of(&module, &ours) && sign("rsa2048", "sha256", &expected));
    CU_ASSERT_EQUAL(signature_append(&ours, key, "sha256", &err), 0);
    CU_ASSERT_TRUE(same(&ours, &expected));

    source.passphrase_path = workdir_path("bad-pin");
    CU_ASSERT_EQUAL_FATAL(signing_key_load(&source, &locked, &err), 0);
    CU_ASSERT_TRUE(copy_of(&module, &kept));
    CU_ASSERT_EQUAL(signature_append(&kept, locked, "sha256", &err), -EKEYREJECTED);
    CU_ASSERT_EQUAL(err.kind, ERROR_SIGNING);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "wrong PIN"));

    /* What the token signs with is not the certificate's key: found before it counts. */
    source.passphrase_path = workdir_path("pin");
    source.certificate = workdir_path("rsa4096.pem");
    CU_ASSERT_EQUAL_FATAL(signing_key_load(&source, &wrong, &err), 0);
    CU_ASSERT_EQUAL(signature_append(&kept, wrong, "sha256", &err), -EKEYREJECTED);
    CU_ASSERT_TRUE(same(&kept, &module));
}

/* The module with a message by `openssl cms` behind it: `option` says what else goes into that. */
static bool append_message(const char *name, const char *option, struct buffer *out) {
    char key[64], certificate[64];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(certificate, sizeof certificate, "%s.pem", name);
    AUTO_BUFFER struct buffer message = {0};
    if (!workdir_write("content", module.data, module.size) ||
        !workdir_run("openssl", "cms", "-sign", "-binary", "-noattr", "-in", "content", "-signer",
                     certificate, "-inkey", key, "-outform", "DER", "-out", "message.der", option,
                     NULL) ||
        !workdir_read("message.der", &message))
        return false;
    uint8_t trailer[TRAILER_SIZE];
    signature_trailer_write((uint32_t)message.size, trailer);
    return copy_of(&module, out) && copy_of(&message, out) &&
           !buffer_append(out, trailer, sizeof trailer);
}

/* A message that brings its own certificate along proves nothing about ours; one that brings its
 * own content is refused by the kernel. */
static void test_foreign_messages(void) {
    AUTO_BUFFER struct buffer with_certificate = {0}, with_content = {0};
    CU_ASSERT_TRUE(append_message("rsa4096", "-nosmimecap", &with_certificate));
    CU_ASSERT_EQUAL(verify(&with_certificate, "rsa4096.pem"), 0);
    CU_ASSERT_EQUAL(verify(&with_certificate, "rsa2048.pem"), -EKEYREJECTED);
    CU_ASSERT_TRUE(append_message("rsa4096", "-nodetach", &with_content));
    CU_ASSERT_EQUAL(verify(&with_content, "rsa4096.pem"), -EBADMSG);
}

/* The kernel refuses such trailers as well (mod_check_sig). */
static void test_hostile_trailers(void) {
    AUTO_BUFFER struct buffer ours = {0};
    CU_ASSERT_TRUE(sign("rsa2048", "sha256", &ours));
    uint8_t *info = ours.data + ours.size - TRAILER_SIZE;
    uint32_t most = (uint32_t)(ours.size - TRAILER_SIZE);
    const uint32_t lengths[] = {0, most, most + 1, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        for (unsigned byte = 0; byte < 4; byte++)
            info[8 + byte] = (uint8_t)(lengths[i] >> (24 - 8 * byte));
        size_t elf_size = 0;
        struct error err = {0};
        CU_ASSERT_EQUAL(signature_find(ours.data, ours.size, &elf_size, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    }
    for (size_t cut = ours.size - TRAILER_SIZE + 1; cut <= ours.size - 28; cut++) {
        size_t elf_size = 0; /* the magic line and less than twelve bytes before it */
        CU_ASSERT_EQUAL(signature_find(ours.data + cut, ours.size - cut, &elf_size, NULL),
                        -EBADMSG);
    }
}

/* Whatever stands at the end: an answer, never a crash, and the module is never taken for signed
 * by another. */
static void test_flipped_signature_bytes(void) {
    AUTO_BUFFER struct buffer ours = {0};
    CU_ASSERT_TRUE(sign("ec", "sha256", &ours));
    for (size_t at = module.size; at < ours.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            ours.data[at] ^= (uint8_t)(1U << bit);
            AUTO_SIGNATURE_INFO struct signature_info info = {0};
            int rc = signature_read(ours.data, ours.size, &info, NULL);
            CU_ASSERT_TRUE(rc == 0 || rc == -EBADMSG || rc == -ENOENT);
            CU_ASSERT_NOT_EQUAL(verify(&ours, "rsa2048.der"), 0);
            (void)!verify(&ours, "ec.der");
            ours.data[at] ^= (uint8_t)(1U << bit);
        }
    }
    CU_ASSERT_EQUAL(verify(&ours, "ec.der"), 0);
}

static CU_TestInfo tests[] = {
    {"RSA: the same bytes as the kernel's sign-file", test_same_as_sign_file},
    {"openssl cms verifies ours", test_openssl_verifies},
    {"only the right certificate fits", test_verify},
    {"altered content is found", test_altered_content},
    {"old signatures are removed first", test_old_signature_goes},
    {"a failure leaves the module as it was", test_failure_leaves_module},
    {"signer, key id and hash are what modinfo prints", test_info_is_what_modinfo_prints},
    {"a key and a certificate that are not a pair", test_not_a_pair},
    {"bad key and certificate files", test_bad_key_files},
    {"encrypted keys", test_encrypted_key},
    {"a key that others can read", test_shared_key_warns},
    {"a key in a token goes through sign-file", test_token_key},
    {"messages with a certificate or content of their own", test_foreign_messages},
    {"impossible trailers", test_hostile_trailers},
    {"every bit of a signature flipped", test_flipped_signature_bytes},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "signature",
         .pInitFunc = open_suite,
         .pCleanupFunc = close_suite,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
