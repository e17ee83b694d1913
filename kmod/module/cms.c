#include "kmod/module/cms.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "kmod/module/libcrypto.h"

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

#define AUTO_MESSAGE AUTO(free_message)

bool cms_knows_hash(const char *hash) {
    static const char *const known[] = {"sha1",   "sha224",   "sha256",   "sha384",
                                        "sha512", "sha3-256", "sha3-384", "sha3-512"};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!strcmp(hash, known[i]))
            return true;
    return false;
}

static int append_der(CMS_ContentInfo *message, struct buffer *der, struct error *err) {
    AUTO_LIBCRYPTO_BYTES unsigned char *bytes = NULL;
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
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new(X509_get0_pubkey(cms_identity_certificate(identity)), NULL);
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
        !CMS_add1_signer(message, cms_identity_certificate(identity), cms_identity_key(identity),
                         digest, CMS_NOCERTS | CMS_BINARY | CMS_NOSMIMECAP | CMS_NOATTR) ||
        !finish(identity, message, digest, data, size))
        return error_set(err, ERROR_SIGNING, EKEYREJECTED, "can't sign with %s as \"%s\": %s", hash,
                         cms_identity_name(identity), libcrypto_reason());
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
    AUTO_BIO BIO *content = libcrypto_view(data, size);
    AUTO(free_certificates) STACK_OF(X509) *certificates = sk_X509_new_null();
    if (!content || !certificates ||
        !sk_X509_push(certificates, cms_identity_certificate(identity)))
        return error_oom(err, "verifying a signature");
    int rc = check_form(message, err);
    if (rc)
        return rc;
    /* Only the given certificate counts, not one in the message; nobody is asked who issued it. */
    if (!knows_digests(message, content) ||
        CMS_verify(message, certificates, NULL, content, NULL,
                   CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) != 1)
        return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                         "the signature does not fit the certificate of \"%s\": %s",
                         cms_identity_name(identity), libcrypto_reason());
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
    description->signer = libcrypto_common_name(issuer);
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
