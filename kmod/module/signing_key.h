/* Who signs: a private key, in a file or a PKCS#11 token, and its certificate. */
#ifndef KMOD_MODULE_SIGNING_KEY_H
#define KMOD_MODULE_SIGNING_KEY_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct signing_key;

struct signing_key_source {
    const char *key;             /* a PEM file (RSA or ECDSA), or a `pkcs11:` URI, with or without
                                    its pin-value */
    const char *certificate;     /* a PEM or DER file */
    const char *passphrase_path; /* a file with the passphrase or PIN; NULL: KBUILD_SIGN_PIN of
                                    the environment, if it is set */
    const char *sign_file; /* the kernel's sign-file, which only `pkcs11:` keys need; or NULL */
};

/*
 * Loads both. One final newline of the passphrase file does not count. A key file that other users
 * can read gets a warning. ERROR_SIGNING: missing, unreadable, not a pair, no passphrase for an
 * encrypted key, a `pkcs11:` key without sign-file. The caller frees.
 */
int signing_key_load(const struct signing_key_source *source, struct signing_key **out,
                     struct error *err) MUST_CHECK;
/* Overwrites what is secret, then frees it. */
void signing_key_free(struct signing_key **key);
#define AUTO_SIGNING_KEY AUTO(signing_key_free)

/* The certificate's subject CN. Owned by the key. */
const char *signing_key_signer(const struct signing_key *key);

/*
 * Signs `size` bytes with `hash` and verifies the result with the certificate; the CMS message,
 * in DER, goes to the end of `der`. ERROR_SIGNING.
 */
int signing_key_sign(const struct signing_key *key, const char *hash, const void *data, size_t size,
                     struct buffer *der, struct error *err) MUST_CHECK;

#endif
