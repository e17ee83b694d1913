/* Who signs modules, or is expected to have signed them: a certificate and its private key. */
#ifndef KMOD_MODULE_CMS_IDENTITY_H
#define KMOD_MODULE_CMS_IDENTITY_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

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
/*
 * NULL when a kernel can check its signatures, on P-521 if `p521` (kernels from 6.10 on); else the
 * keys that can be meant.
 */
const char *cms_identity_wanted_key(const struct cms_identity *identity, bool p521);
/* ERROR_SIGNING, naming the key `name`, when no kernel can check its signatures. */
int cms_identity_check_key(const struct cms_identity *identity, const char *name,
                           struct error *err) MUST_CHECK;
/* What it is made of, for libcrypto; both stay the identity's. The key is NULL when it can only
 * verify. */
X509 *cms_identity_certificate(const struct cms_identity *identity);
EVP_PKEY *cms_identity_key(const struct cms_identity *identity);

void cms_identity_free(struct cms_identity **identity);
#define AUTO_CMS_IDENTITY AUTO(cms_identity_free)

#endif
