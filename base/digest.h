/* SHA-256 by libcrypto. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#include "base/error.h"

#define DIGEST_HEX_SIZE 65 /* 64 lower-case hex digits and the NUL */

struct digest; /* a running computation */

int digest_begin(struct digest **digest) MUST_CHECK;
int digest_update(struct digest *digest, const void *data, size_t size) MUST_CHECK;
/* Ends the computation and frees it, whether it succeeds or not. */
int digest_end(struct digest *digest, char hex[static DIGEST_HEX_SIZE]) MUST_CHECK;
void digest_abandon(struct digest **digest);
#define AUTO_DIGEST AUTO(digest_abandon)

/* One call: the digest of `size` bytes. 0 or −ENOMEM. */
int digest_bytes(const void *data, size_t size, char hex[static DIGEST_HEX_SIZE]) MUST_CHECK;

/* The digest of all that `fd` holds, read from its start. */
int digest_fd(int fd, const char *name, char hex[static DIGEST_HEX_SIZE],
              struct error *err) MUST_CHECK;

#endif
