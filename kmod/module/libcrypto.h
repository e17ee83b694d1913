/* What the files that work with libcrypto's objects share. */
#ifndef KMOD_MODULE_LIBCRYPTO_H
#define KMOD_MODULE_LIBCRYPTO_H

#include <openssl/types.h>
#include <stddef.h>

#include "base/cleanup.h"

/* libcrypto's newest reason, the library's own string; its queue is empty afterwards. */
const char *libcrypto_reason(void);

/* The bytes, which stay the caller's and valid, to be read. NULL when that can't be had; release
 * with AUTO_BIO. */
BIO *libcrypto_view(const void *data, size_t size);

/*
 * The name's CN, "" without one, fit to show (kmod/module/printable.h): it comes from files and
 * goes to terminals and reports. The caller frees. NULL when out of memory.
 */
char *libcrypto_common_name(const X509_NAME *name);

void libcrypto_free_bio(BIO **bio);
#define AUTO_BIO AUTO(libcrypto_free_bio)

/* For what libcrypto has allocated and hands over. */
void libcrypto_free_bytes(unsigned char **bytes);
#define AUTO_LIBCRYPTO_BYTES AUTO(libcrypto_free_bytes)

#endif
