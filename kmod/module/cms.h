/*
 * CMS (RFC 5652) messages as the kernel wants them: detached, one signer, no certificates, no
 * attributes. This is the one file about modules that uses libcrypto.
 */
#ifndef KMOD_MODULE_CMS_H
#define KMOD_MODULE_CMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct cms_identity; /* a certificate and, to sign, its private key */

/*
 * Loads a certificate, PEM or DER. ERROR_SIGNING when `path` can't be read or is none. The caller
 * frees with cms_identity_free().
 */
int cms_identity_load(const char *path, struct cms_identity **out, struct error *err) MUST_CHECK;

/*
 * Adds the private key (PEM). An encrypted one is opened with `passphrase` (NULL when there is
 * none); nobody is ever asked. ERROR_SIGNING: no key, a wrong passphrase, or not the
 * certificate's key. Nothing of the passphrase is kept.
 */
int cms_identity_add_key(struct cms_identity *identity, const void *key, size_t size,
                         const char *name, const char *passphrase, struct error *err) MUST_CHECK;

/* The certificate's subject CN, "" without one; fit to show (kmod/module/printable.h). */
const char *cms_identity_name(const struct cms_identity *identity);
/* The kind of its key: "rsa", "ecdsa", or "other". */
const char *cms_identity_key_kind(const struct cms_identity *identity);
/* The same in full: "rsa of 2048 bits", "ecdsa on prime256v1", "ED25519". */
const char *cms_identity_key_text(const struct cms_identity *identity);
/* NULL when there are kernels that can check its signatures; else the keys that can be meant. */
const char *cms_identity_wanted_key(const struct cms_identity *identity);
/* ERROR_SIGNING, naming the key `name`, when no kernel can check its signatures. */
int cms_identity_check_key(const struct cms_identity *identity, const char *name,
                           struct error *err) MUST_CHECK;
void cms_identity_free(struct cms_identity **identity);
#define AUTO_CMS_IDENTITY AUTO(cms_identity_free)

/* Whether `hash` ("sha256") is one that kernels take for module signatures. */
bool cms_knows_hash(const char *hash);

/*
 * Signs `size` bytes and verifies the signature with the certificate; the message, in DER, goes to
 * the end of `der`. With an RSA key it is what the kernel's scripts/sign-file writes, byte for
 * byte. ERROR_SIGNING.
 */
int cms_sign(const struct cms_identity *identity, const char *hash, const void *data, size_t size,
             struct buffer *der, struct error *err) MUST_CHECK;

/*
 * Whether the message is of a form that kernels take, whoever signed whatever: detached, of plain
 * data, with a signer and without signed attributes. ERROR_SIGNING when not.
 */
int cms_check_form(const void *der, size_t der_size, struct error *err) MUST_CHECK;

/*
 * Whether the message is a signature of `data` by the identity's key, and of a form that kernels
 * take: ERROR_SIGNING when not.
 */
int cms_verify(const struct cms_identity *identity, const void *data, size_t size, const void *der,
               size_t der_size, struct error *err) MUST_CHECK;

struct cms_description {
    char *signer; /* the issuer's CN: the same as the certificate's own for a self-signed one */
    char *key_id; /* the certificate's serial number, or its key id where that is used: "6A:0B" */
    char *hash;   /* "sha256" */
    char *algorithm;      /* "rsaEncryption", "ecdsa-with-SHA256", "rsassaPss" */
    bool algorithm_known; /* kernels take it */
};

/* What the message says of its first signer. ERROR_DAMAGED when it can't be read. */
int cms_describe(const void *der, size_t der_size, struct cms_description *description,
                 struct error *err) MUST_CHECK;
void cms_description_release(struct cms_description *description);

#endif
