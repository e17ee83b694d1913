#include "kmod/module/cms.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/file.h"
#include "kmod/module/printable.h"

#define CERTIFICATE_MAX (1UL << 20)

struct cms_identity {
    X509 *certificate;
    EVP_PKEY *key; /* NULL when it can only verify */
    char *name;
    char key_text[64]; /* cms_identity_key_text() */
};

static void free_bio(BIO **bio) {
    BIO_free(*bio);
}

static void free_message(CMS_ContentInfo **message) {
    CMS_ContentInfo_free(*message);
}

static void free_certificates(STACK_OF(X509) * *certificates) {
    sk_X509_free(*certificates); /* borrowed: the list goes, what it lists stays */
}

static void free_key_context(EVP_PKEY_CTX **context) {
    EVP_PKEY_CTX_free(*context);
}

static void free_digest(EVP_MD_CTX **context) {
    EVP_MD_CTX_free(*context);
}

static void free_chain(BIO **chain) {
    BIO_free_all(*chain);
}

static void free_der(unsigned char **der) {
    OPENSSL_free(*der);
}

#define AUTO_BIO AUTO(free_bio)
#define AUTO_MESSAGE AUTO(free_message)

/* libcrypto's newest reason; its queue is empty afterwards. */
static const char *crypto_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "libcrypto gives no reason";
}

/* A read-only view; NULL when it can't be had. */
static BIO *view(const void *data, size_t size) {
    return size <= INT_MAX ? BIO_new_mem_buf(data, (int)size) : NULL;
}

/* The name comes from files and goes to terminals and reports. */
static char *common_name(const X509_NAME *name) {
    int at = name ? X509_NAME_get_index_by_NID(name, NID_commonName, -1) : -1;
    if (at < 0)
        return strdup("");
    AUTO(free_der) unsigned char *text = NULL;
    int length =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (length < 0)
        return strdup("?");
    return printable_copy((const char *)text);
}

static X509 *read_certificate(const void *data, size_t size) {
    const unsigned char *at = data;
    X509 *certificate = size <= LONG_MAX ? d2i_X509(NULL, &at, (long)size) : NULL;
    if (certificate)
        return certificate;
    ERR_clear_error();
    AUTO_BIO BIO *pem = view(data, size);
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
                         crypto_reason());
    identity->name = common_name(X509_get_subject_name(identity->certificate));
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
    const char *reason = crypto_reason();
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
    AUTO_BIO BIO *pem = view(key, size);
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

/* secp521r1: since 6.10. */
static bool knows_curve(const EVP_PKEY *key) {
    static const char *const known[] = {"prime192v1", "prime256v1", "secp384r1", "secp521r1"};
    char curve[32];
    read_curve(key, curve, sizeof curve);
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(curve, known[i]) == 0)
            return true;
    return false;
}

const char *cms_identity_wanted_key(const struct cms_identity *identity) {
    const EVP_PKEY *key = X509_get0_pubkey(identity->certificate);
    const char *kind = cms_identity_key_kind(identity);
    if (strcmp(kind, "rsa") == 0)
        return knows_length(EVP_PKEY_get_bits(key))
                   ? NULL
                   : "rsa of 512, 1024, 1536, 2048, 3072 or 4096 bits";
    if (strcmp(kind, "ecdsa") == 0)
        return knows_curve(key) ? NULL : "ecdsa on prime192v1, prime256v1, secp384r1 or secp521r1";
    return "rsa or ecdsa";
}

int cms_identity_check_key(const struct cms_identity *identity, const char *name,
                           struct error *err) {
    const char *wanted = cms_identity_wanted_key(identity);
    if (!wanted)
        return 0;
    return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                     "the key %s is %s, whose signatures no kernel can check: wanted is %s", name,
                     identity->key_text, wanted);
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

bool cms_knows_hash(const char *hash) {
    static const char *const known[] = {"sha1",   "sha224",   "sha256",   "sha384",
                                        "sha512", "sha3-256", "sha3-384", "sha3-512"};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!strcmp(hash, known[i]))
            return true;
    return false;
}

static int append_der(CMS_ContentInfo *message, struct buffer *der, struct error *err) {
    AUTO(free_der) unsigned char *bytes = NULL;
    int size = i2d_CMS_ContentInfo(message, &bytes);
    if (size <= 0 || buffer_append(der, bytes, (size_t)size))
        return error_oom(err, "writing a signature");
    return 0;
}

/*
 * Whether the message's signature is one of the digest by the certificate's key. The content has
 * been digested once already, which takes longer than all the rest.
 */
static bool fits_certificate(const struct cms_identity *identity, CMS_ContentInfo *message,
                             const EVP_MD *digest, const unsigned char *value, size_t size) {
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(message), 0);
    const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
    AUTO(free_key_context)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(X509_get0_pubkey(identity->certificate), NULL);
    return context && EVP_PKEY_verify_init(context) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, digest) == 1 &&
           EVP_PKEY_verify(context, ASN1_STRING_get0_data(signature),
                           (size_t)ASN1_STRING_length(signature), value, size) == 1;
}

/* Puts the content's digest into the message, signs it, and checks the signature. */
static bool finish(const struct cms_identity *identity, CMS_ContentInfo *message,
                   const EVP_MD *digest, const void *data, size_t size) {
    AUTO(free_chain) BIO *chain = CMS_dataInit(message, NULL);
    AUTO(free_digest) EVP_MD_CTX *copy = EVP_MD_CTX_new();
    EVP_MD_CTX *context = NULL;
    BIO *digesting = chain ? BIO_find_type(chain, BIO_TYPE_MD) : NULL;
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    /* CMS_final() does the same by way of a small buffer. */
    return digesting && copy && size <= INT_MAX && BIO_write(chain, data, (int)size) == (int)size &&
           BIO_get_md_ctx(digesting, &context) == 1 && EVP_MD_CTX_copy_ex(copy, context) == 1 &&
           EVP_DigestFinal_ex(copy, value, &length) == 1 && CMS_dataFinal(message, chain) == 1 &&
           fits_certificate(identity, message, digest, value, length);
}

int cms_sign(const struct cms_identity *identity, const char *hash, const void *data, size_t size,
             struct buffer *der, struct error *err) {
    const EVP_MD *digest = cms_knows_hash(hash) ? EVP_get_digestbyname(hash) : NULL;
    if (!digest)
        return error_set(err, ERROR_SIGNING, EINVAL,
                         "\"%s\" is not a hash that modules are signed with", hash);
    ERR_clear_error();
    /* Without attributes, the signature is over the content's hash itself: no time goes in. */
    AUTO_MESSAGE CMS_ContentInfo *message = CMS_sign(
        NULL, NULL, NULL, NULL, CMS_NOCERTS | CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_STREAM);
    if (!message ||
        !CMS_add1_signer(message, identity->certificate, identity->key, digest,
                         CMS_NOCERTS | CMS_BINARY | CMS_NOSMIMECAP | CMS_NOATTR) ||
        !finish(identity, message, digest, data, size))
        return error_set(err, ERROR_SIGNING, EKEYREJECTED, "can't sign with %s as \"%s\": %s", hash,
                         identity->name, crypto_reason());
    return append_der(message, der, err);
}

/* NULL when it is no CMS message, or when anything follows it. */
static CMS_ContentInfo *parse(const void *der, size_t size) {
    const unsigned char *at = der;
    ERR_clear_error();
    CMS_ContentInfo *message = size <= LONG_MAX ? d2i_CMS_ContentInfo(NULL, &at, (long)size) : NULL;
    if (message && at != (const unsigned char *)der + size) {
        CMS_ContentInfo_free(message);
        message = NULL;
    }
    return message;
}

/* The kernel takes no message that carries content of its own, and none with signed attributes. */
static const char *what_the_kernel_refuses(CMS_ContentInfo *message) {
    if (!message || OBJ_obj2nid(CMS_get0_type(message)) != NID_pkcs7_signed ||
        CMS_is_detached(message) != 1)
        return "is not a detached CMS message";
    if (OBJ_obj2nid(CMS_get0_eContentType(message)) != NID_pkcs7_data)
        return "is not one of plain data, the only kind that kernels take";
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(message);
    if (sk_CMS_SignerInfo_num(signers) < 1)
        return "is nobody's: it names no signer";
    for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++)
        if (CMS_signed_get_attr_count(sk_CMS_SignerInfo_value(signers, i)) > 0)
            return "has signed attributes, which kernels refuse";
    return NULL;
}

/*
 * Whether libcrypto knows the digests that the message names. CMS_verify() would say so too, but
 * loses the BIO that it has made by then (libcrypto 3.0).
 */
static bool knows_digests(CMS_ContentInfo *message, BIO *content) {
    BIO *chain = CMS_dataInit(message, content);
    for (BIO *digest = chain; digest && digest != content;) {
        BIO *next = BIO_pop(digest);
        BIO_free(digest);
        digest = next;
    }
    return chain != NULL;
}

static int check_form(CMS_ContentInfo *message, struct error *err) {
    const char *refused = what_the_kernel_refuses(message);
    if (!refused)
        return 0;
    ERR_clear_error();
    return error_set(err, ERROR_SIGNING, EBADMSG, "the signature %s", refused);
}

int cms_check_form(const void *der, size_t der_size, struct error *err) {
    AUTO_MESSAGE CMS_ContentInfo *message = parse(der, der_size);
    return check_form(message, err);
}

int cms_verify(const struct cms_identity *identity, const void *data, size_t size, const void *der,
               size_t der_size, struct error *err) {
    AUTO_MESSAGE CMS_ContentInfo *message = parse(der, der_size);
    AUTO_BIO BIO *content = view(data, size);
    AUTO(free_certificates) STACK_OF(X509) *certificates = sk_X509_new_null();
    if (!content || !certificates || !sk_X509_push(certificates, identity->certificate))
        return error_oom(err, "verifying a signature");
    int rc = check_form(message, err);
    if (rc)
        return rc;
    /* Only the given certificate counts, not one in the message; nobody is asked who issued it. */
    if (!knows_digests(message, content) ||
        CMS_verify(message, certificates, NULL, content, NULL,
                   CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) != 1)
        return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                         "the signature does not fit the certificate of \"%s\": %s", identity->name,
                         crypto_reason());
    return 0;
}

/* "6A:0B:…" */
static char *colon_hex(const ASN1_STRING *bytes) {
    size_t size = (size_t)ASN1_STRING_length(bytes);
    const unsigned char *at = ASN1_STRING_get0_data(bytes);
    char *text = calloc(size + 1, 3);
    for (size_t i = 0; text && i < size; i++)
        snprintf(text + 3 * i, 4, i + 1 < size ? "%02X:" : "%02X", at[i]);
    return text;
}

/* What the kernel's parser takes (crypto/asymmetric_keys/pkcs7_parser.c). */
static bool knows_algorithm(int nid) {
    static const int known[] = {
        NID_rsaEncryption,       NID_ecdsa_with_SHA1,     NID_ecdsa_with_SHA224,
        NID_ecdsa_with_SHA256,   NID_ecdsa_with_SHA384,   NID_ecdsa_with_SHA512,
        NID_ecdsa_with_SHA3_256, NID_ecdsa_with_SHA3_384, NID_ecdsa_with_SHA3_512,
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (nid == known[i])
            return true;
    return false;
}

static int fill_description(CMS_SignerInfo *signer, struct cms_description *description) {
    ASN1_OCTET_STRING *key_id = NULL;
    X509_NAME *issuer = NULL;
    ASN1_INTEGER *serial = NULL;
    X509_ALGOR *digest = NULL, *signature = NULL;
    const ASN1_OBJECT *algorithm = NULL;
    if (CMS_SignerInfo_get0_signer_id(signer, &key_id, &issuer, &serial) != 1)
        return -EBADMSG;
    CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, &signature);
    X509_ALGOR_get0(&algorithm, NULL, NULL, digest);
    char hash[64], scheme[64];
    if (OBJ_obj2txt(hash, sizeof hash, algorithm, 0) < 0)
        return -EBADMSG;
    X509_ALGOR_get0(&algorithm, NULL, NULL, signature);
    if (OBJ_obj2txt(scheme, sizeof scheme, algorithm, 0) < 0)
        return -EBADMSG;
    for (char *at = hash; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    description->signer = common_name(issuer);
    description->key_id = colon_hex(key_id ? key_id : serial);
    description->hash = strdup(hash);
    description->algorithm = strdup(scheme);
    description->algorithm_known = knows_algorithm(OBJ_obj2nid(algorithm));
    return description->signer && description->key_id && description->hash && description->algorithm
               ? 0
               : -ENOMEM;
}

int cms_describe(const void *der, size_t der_size, struct cms_description *description,
                 struct error *err) {
    *description = (struct cms_description){0};
    AUTO_MESSAGE CMS_ContentInfo *message = parse(der, der_size);
    STACK_OF(CMS_SignerInfo) *signers = message ? CMS_get0_SignerInfos(message) : NULL;
    int rc = sk_CMS_SignerInfo_num(signers) > 0
                 ? fill_description(sk_CMS_SignerInfo_value(signers, 0), description)
                 : -EBADMSG;
    if (!rc)
        return 0;
    ERR_clear_error();
    cms_description_release(description);
    if (rc == -ENOMEM)
        return error_oom(err, "reading a signature");
    return error_set(err, ERROR_DAMAGED, EBADMSG, "the appended signature is not a CMS message");
}

void cms_description_release(struct cms_description *description) {
    free(description->signer);
    free(description->key_id);
    free(description->hash);
    free(description->algorithm);
    *description = (struct cms_description){0};
}
