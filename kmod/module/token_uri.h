/* `pkcs11:` URIs (RFC 7512), which may carry the PIN of the token that they name. */
#ifndef KMOD_MODULE_TOKEN_URI_H
#define KMOD_MODULE_TOKEN_URI_H

#include <stdbool.h>

#include "kmod/module/secret.h"

/* Whether a key is named by one. */
bool token_uri_is(const char *key);

/*
 * Moves the PIN out of the URI, so that it can be shown and be an argument: `*clean` is the URI
 * without `pin-value`, `pin` what that said, left alone when there is none. The caller releases
 * both. 0 or −ENOMEM.
 */
int token_uri_take_pin(const char *uri, char **clean, struct secret *pin) MUST_CHECK;

/*
 * The URI with `pin-source`, a file that has the PIN; as it is when it says where that is itself.
 * The caller frees. NULL: no memory.
 */
char *token_uri_with_pin_source(const char *uri, const char *path) MUST_CHECK;

#endif
