#include "kmod/module/libcrypto.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "kmod/module/printable.h"

const char *libcrypto_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "libcrypto gives no reason";
}

BIO *libcrypto_view(const void *data, size_t size) {
    return size <= INT_MAX ? BIO_new_mem_buf(data, (int)size) : NULL;
}

char *libcrypto_common_name(const X509_NAME *name) {
    int at = name ? X509_NAME_get_index_by_NID(name, NID_commonName, -1) : -1;
    if (at < 0)
        return strdup("");
    AUTO_LIBCRYPTO_BYTES unsigned char *text = NULL;
    int length =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (length < 0)
        return strdup("?");
    return printable_copy((const char *)text);
}

void libcrypto_free_bio(BIO **bio) {
    BIO_free(*bio);
}

void libcrypto_free_bytes(unsigned char **bytes) {
    OPENSSL_free(*bytes);
}
