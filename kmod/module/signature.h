/* The signature at a module's end (kernel: include/linux/module_signature.h, scripts/sign-file.c).
 */
#ifndef KMOD_MODULE_SIGNATURE_H
#define KMOD_MODULE_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct signing_key; /* a private key and its certificate */

/*
 * Loads the key (PEM, or a `pkcs11:` URI, which `sign-file` then uses) and its certificate (PEM or
 * DER). An encrypted key is opened with the content of the file `passphrase_path` (may be NULL) or
 * the environment's KBUILD_SIGN_PIN. ERROR_SIGNING: missing, unreadable, or not a pair.
 */
int signing_key_load(const char *key, const char *certificate, const char *passphrase_path,
                     struct signing_key **out, struct error *err) MUST_CHECK;
void signing_key_free(struct signing_key **key);
#define AUTO_SIGNING_KEY AUTO(signing_key_free)

/* The certificate's subject CN, and the id that the kernel prints (serial or subject key id, hex).
 */
const char *signing_key_signer(const struct signing_key *key);

/*
 * Where the signature begins: *elf_size ≤ size is what the kernel sees as the module. A file
 * without one gives elf_size = size. ERROR_DAMAGED for a magic line whose lengths are impossible.
 */
int signature_find(const void *data, size_t size, size_t *elf_size, struct error *err) MUST_CHECK;

/*
 * Signs the module in `module` in place with `hash` ("sha256" …): an old signature is removed
 * first; the bytes added are those of scripts/sign-file for an RSA key; the result is verified with
 * the certificate before it counts. ERROR_SIGNING.
 */
int signature_append(struct buffer *module, const struct signing_key *key, const char *hash,
                     struct error *err) MUST_CHECK;

struct signature_info {
    char *signer; /* issuer CN as modinfo prints it */
    char *key_id; /* "6A:0B:…" */
    char *hash;   /* "sha256" */
};

/* What the appended signature says; −ENOENT without a sentence when there is none. */
int signature_read(const void *data, size_t size, struct signature_info *info,
                   struct error *err) MUST_CHECK;
void signature_info_release(struct signature_info *info);

/* Verifies the signature with the certificate (PEM or DER). ERROR_SIGNING when it does not fit. */
int signature_verify(const void *data, size_t size, const char *certificate_path,
                     struct error *err) MUST_CHECK;

#endif
