/* Small files that nobody else may see, private keys and passphrases: gone from memory after use.
 */
#ifndef KMOD_MODULE_SECRET_H
#define KMOD_MODULE_SECRET_H

#include <stddef.h>

#include "base/error.h"

#define SECRET_MAX (64UL << 10)

struct secret {
    char *data; /* NUL-terminated; NULL when there is none */
    size_t size;
};

/*
 * Reads `path`, which may also be a pipe. `what` ("key") is for sentences. A file that other users
 * can read gets a warning. ERROR_SIGNING: missing, unreadable, or larger than 64 KiB.
 */
int secret_read(const char *path, const char *what, struct secret *secret,
                struct error *err) MUST_CHECK;

/* A copy of `text`. 0 or −ENOMEM. */
int secret_copy(const char *text, struct secret *secret) MUST_CHECK;

/* Overwrites the bytes, then frees them. */
void secret_release(struct secret *secret);
#define AUTO_SECRET AUTO(secret_release)

#endif
