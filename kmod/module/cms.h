/*
 * CMS (RFC 5652) messages as the kernel wants them: detached, one signer, no certificates, no
 * attributes. About modules, only this, cms_identity.c and libcrypto.c use libcrypto.
 */
#ifndef KMOD_MODULE_CMS_H
#define KMOD_MODULE_CMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "kmod/module/cms_identity.h"

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
