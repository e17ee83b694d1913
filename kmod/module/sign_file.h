/*
 * The kernel's own scripts/sign-file, for keys that only it can reach: those in a PKCS#11 token,
 * for which OpenSSL needs an engine or provider of the system.
 */
#ifndef KMOD_MODULE_SIGN_FILE_H
#define KMOD_MODULE_SIGN_FILE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct sign_file {
    const char *program;     /* absolute path of sign-file */
    const char *key;         /* "pkcs11:…" without a PIN in it */
    const char *certificate; /* absolute path, PEM or DER */
    const char *pin;         /* the token's PIN, NULL for none */
    unsigned seconds;        /* how long it may take; 0: SIGN_FILE_SECONDS */
};

#define SIGN_FILE_SECONDS 120 /* somebody may have to find the token's button */

/*
 * Has `size` bytes signed with `hash`; the CMS message, in DER, goes to the end of `der`. The
 * bytes pass through a private temporary directory, which is removed. The PIN passes in the
 * environment, as an older sign-file wants it, and through a descriptor that the URI names
 * (pin-source), as OpenSSL's providers want it: it is on no disk and in no argument. ERROR_SIGNING
 * with what the program said, or that it took too long.
 */
int sign_file_run(const struct sign_file *spec, const char *hash, const void *data, size_t size,
                  struct buffer *der, struct error *err) MUST_CHECK;

#endif
