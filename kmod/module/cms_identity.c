#include "kmod/module/cms_identity.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/file.h"
#include "kmod/module/libcrypto.h"

#define CERTIFICATE_MAX (1UL << 20)

struct cms_identity {
    X509 *certificate;
    EVP_PKEY *key; /* NULL when it can only verify */
    char *name;
    char key_text[64]; /* cms_identity_key_text() */
};

static X509 *read_certificate(const void *data, size_t size) {
    const unsigned char *at = data;
    X509 *certificate = size <= LONG_MAX ? d2i_X509(NULL, &at, (long)size) : NULL;
    if (certificate)
        return certificate;
    ERR_clear_error();
    AUTO_BIO BIO *pem = libcrypto_view(data, size);
    return pem ? PEM_read_bio_X509(pem, NULL, NULL, NULL) : NULL;
}

/* The curve's name in `name`; "" for parameters that are no curve with a name. */
static void read_curve(const EVP_PKEY *key, char *name, size_t size) {
    if (EVP_PKEY_get_group_name(key, name, size, NULL) == 1)
        return;
    ERR_clear_error();
    *name = '\0';
}

static void describe_key(struct cms_identity *identity) {
    const EVP_PKEY *key = X509_get0_pubkey(identity->certificate);
    const char *kind = cms_identity_key_kind(identity);
    char *text = identity->key_text;
    size_t size = sizeof identity->key_text;
    char curve[32];
    if (strcmp(kind, "rsa") == 0) {
        snprintf(text, size, "rsa of %d bits", EVP_PKEY_get_bits(key));
    } else if (strcmp(kind, "ecdsa") == 0) {
        read_curve(key, curve, sizeof curve);
        snprintf(text, size, "ecdsa on %s", *curve ? curve : "an unnamed curve");
    } else {
        const char *name = key ? OBJ_nid2sn(EVP_PKEY_get_base_id(key)) : NULL;
        snprintf(text, size, "%s", name ? name : "of an unknown kind");
    }
}

int cms_identity_load(const char *path, struct cms_identity **out, struct error *err) {
    AUTO_BUFFER struct buffer content = {0};
    int rc = file_read_path(path, CERTIFICATE_MAX, &content, err);
    if (rc && err)
        err->kind = ERROR_SIGNING;
    if (rc)
        return error_wrap(err, rc, "certificate");
    AUTO_CMS_IDENTITY struct cms_identity *identity = calloc(1, sizeof *identity);
    if (!identity)
        return error_oom(err, "reading a certificate");
    identity->certificate = read_certificate(content.data, content.size);
    if (!identity->certificate)
        return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                         "%s is not an X.509 certificate in PEM or DER (%s)", path,
                         libcrypto_reason());
    identity->name = libcrypto_common_name(X509_get_subject_name(identity->certificate));
    if (!identity->name)
        return error_oom(err, "reading a certificate");
    describe_key(identity);
    *out = STEAL(identity);
    return 0;
}

struct passphrase {
    const char *text; /* NULL when none was given */
    bool asked;
};

/* libcrypto asks here instead of on the terminal. */
static int give_passphrase(char *buffer, int size, int writing, void *context) {
    (void)writing;
    struct passphrase *passphrase = context;
    passphrase->asked = true;
    size_t length = passphrase->text ? strlen(passphrase->text) : 0;
    if (!passphrase->text || length > (size_t)size)
        return -1;
    memcpy(buffer, passphrase->text, length);
    return (int)length;
}

static int key_failure(const char *name, const struct passphrase *passphrase, struct error *err) {
    const char *reason = libcrypto_reason();
    if (!passphrase->asked)
        return error_set(err, ERROR_SIGNING, EKEYREJECTED, "%s is not a private key in PEM (%s)",
                         name, reason);
    if (!passphrase->text)
        return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                         "the key %s is encrypted: give its passphrase in a file or in "
                         "KBUILD_SIGN_PIN",
                         name);
    return error_set(err, ERROR_SIGNING, EKEYREJECTED, "the passphrase does not open the key %s",
                     name);
}

int cms_identity_add_key(struct cms_identity *identity, const void *key, size_t size,
                         const char *name, const char *passphrase, struct error *err) {
    struct passphrase answer = {.text = passphrase};
    AUTO_BIO BIO *pem = libcrypto_view(key, size);
    if (!pem)
        return error_oom(err, "reading a key");
    ERR_clear_error();
    EVP_PKEY *read = PEM_read_bio_PrivateKey(pem, NULL, give_passphrase, &answer);
    if (!read)
        return key_failure(name, &answer, err);
    EVP_PKEY_free(identity->key);
    identity->key = read;
    if (X509_check_private_key(identity->certificate, read) != 1) {
        ERR_clear_error();
        return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                         "the key %s does not belong to the certificate of \"%s\"", name,
                         identity->name);
    }
    return 0;
}

const char *cms_identity_name(const struct cms_identity *identity) {
    return identity->name;
}

const char *cms_identity_key_kind(const struct cms_identity *identity) {
    switch (EVP_PKEY_get_base_id(X509_get0_pubkey(identity->certificate))) {
    case EVP_PKEY_RSA:
        return "rsa";
    case EVP_PKEY_EC:
        return "ecdsa";
    default:
        return "other";
    }
}

const char *cms_identity_key_text(const struct cms_identity *identity) {
    return identity->key_text;
}

/* The kernel counts the modulus in words of 64 bits (crypto/rsa.c). */
static bool knows_length(int bits) {
    static const int known[] = {512, 1024, 1536, 2048, 3072, 4096};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if ((bits + 63) / 64 * 64 == known[i])
            return true;
    return false;
}

static const char *wanted_curve(const EVP_PKEY *key, bool p521) {
    static const char *const known[] = {"prime192v1", "prime256v1", "secp384r1", "secp521r1"};
    size_t count = ARRAY_SIZE(known) - !p521;
    char curve[32];
    read_curve(key, curve, sizeof curve);
    for (size_t i = 0; i < count; i++)
        if (strcmp(curve, known[i]) == 0)
            return NULL;
    return p521 ? "ecdsa on prime192v1, prime256v1, secp384r1 or secp521r1"
                : "ecdsa on prime192v1, prime256v1 or secp384r1";
}

const char *cms_identity_wanted_key(const struct cms_identity *identity, bool p521) {
    const EVP_PKEY *key = X509_get0_pubkey(identity->certificate);
    const char *kind = cms_identity_key_kind(identity);
    if (strcmp(kind, "rsa") == 0)
        return knows_length(EVP_PKEY_get_bits(key))
                   ? NULL
                   : "rsa of 512, 1024, 1536, 2048, 3072 or 4096 bits";
    return strcmp(kind, "ecdsa") == 0 ? wanted_curve(key, p521) : "rsa or ecdsa";
}

int cms_identity_check_key(const struct cms_identity *identity, const char *name,
                           struct error *err) {
    const char *wanted = cms_identity_wanted_key(identity, true);
    if (!wanted)
        return 0;
    return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                     "the key %s is %s, whose signatures no kernel can check: wanted is %s", name,
                     identity->key_text, wanted);
}

X509 *cms_identity_certificate(const struct cms_identity *identity) {
    return identity->certificate;
}

EVP_PKEY *cms_identity_key(const struct cms_identity *identity) {
    return identity->key;
}

void cms_identity_free(struct cms_identity **identity) {
    if (!*identity)
        return;
    X509_free((*identity)->certificate);
    EVP_PKEY_free((*identity)->key); /* overwrites the key's numbers */
    free((*identity)->name);
    free(*identity);
    *identity = NULL;
}
