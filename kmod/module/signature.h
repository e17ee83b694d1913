/* The signature at a module's end (kernel: scripts/sign-file.c writes it, kernel/module/signing.c
 * reads it). */
#ifndef KMOD_MODULE_SIGNATURE_H
#define KMOD_MODULE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "kmod/module/cms_identity.h"
#include "kmod/module/signing_key.h"

/*
 * Where the signature begins: *elf_size ≤ size is what the kernel sees as the module. A file
 * without one gives elf_size = size. ERROR_DAMAGED for a magic line behind something that the
 * kernel does not take for a signature.
 */
int signature_find(const void *data, size_t size, size_t *elf_size, struct error *err) MUST_CHECK;

/*
 * Signs the module in `module` in place with `hash` ("sha256" …): old signatures are removed
 * first; the bytes added are those of scripts/sign-file for an RSA key; the result is verified with
 * the certificate before it counts. On failure the module is as it was. ERROR_SIGNING;
 * ERROR_DAMAGED when an old signature can't be told from the module.
 */
int signature_append(struct buffer *module, const struct signing_key *key, const char *hash,
                     struct error *err) MUST_CHECK;

struct signature_info {
    char *signer;         /* issuer CN as modinfo prints it, fit to show */
    char *key_id;         /* "6A:0B:…" */
    char *hash;           /* "sha256" */
    char *algorithm;      /* "rsaEncryption" */
    bool algorithm_known; /* kernels take it */
};

/* What the appended signature says; −ENOENT without a sentence when there is none. ERROR_DAMAGED
 * when it is not a CMS message. */
int signature_read(const void *data, size_t size, struct signature_info *info,
                   struct error *err) MUST_CHECK;
void signature_info_release(struct signature_info *info);
#define AUTO_SIGNATURE_INFO AUTO(signature_info_release)

/* Whether the signature, if there is one, is of a form that kernels take (cms_check_form()).
 * ERROR_DAMAGED for an impossible trailer, ERROR_SIGNING for the message. */
int signature_check_form(const void *data, size_t size, struct error *err) MUST_CHECK;

/* Verifies the signature with the certificate (PEM or DER). ERROR_SIGNING when there is none or it
 * does not fit. */
int signature_verify(const void *data, size_t size, const char *certificate_path,
                     struct error *err) MUST_CHECK;
/* The same with a certificate that is loaded. */
int signature_verify_by(const void *data, size_t size, const struct cms_identity *signer,
                        struct error *err) MUST_CHECK;

#endif
