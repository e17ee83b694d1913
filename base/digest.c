#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>

struct digest {
    EVP_MD_CTX *context;
};

int digest_begin(struct digest **digest) {
    /* No configuration of the system's, nor of the caller's environment, says how to digest; and
     * reading it takes longer than most of what is digested here. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return -ENOMEM;
    struct digest *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    fresh->context = EVP_MD_CTX_new();
    if (!fresh->context || EVP_DigestInit_ex(fresh->context, EVP_sha256(), NULL) != 1) {
        digest_abandon(&fresh);
        return -ENOMEM;
    }
    *digest = fresh;
    return 0;
}

int digest_update(struct digest *digest, const void *data, size_t size) {
    return EVP_DigestUpdate(digest->context, data, size) == 1 ? 0 : -ENOMEM;
}

static void to_hex(const uint8_t *bytes, size_t size, char *hex) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * size] = '\0';
}

int digest_end(struct digest *digest, char hex[static DIGEST_HEX_SIZE]) {
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int done = EVP_DigestFinal_ex(digest->context, bytes, &size);
    digest_abandon(&digest);
    if (done != 1 || size != (DIGEST_HEX_SIZE - 1) / 2)
        return -ENOMEM;
    to_hex(bytes, size, hex);
    return 0;
}

void digest_abandon(struct digest **digest) {
    if (*digest) {
        EVP_MD_CTX_free((*digest)->context);
        free(*digest);
        *digest = NULL;
    }
}

int digest_bytes(const void *data, size_t size, char hex[static DIGEST_HEX_SIZE]) {
    struct digest *digest = NULL;
    int rc = digest_begin(&digest);
    if (rc)
        return rc;
    rc = digest_update(digest, data, size);
    if (rc) {
        digest_abandon(&digest);
        return rc;
    }
    return digest_end(digest, hex);
}

int digest_fd(int fd, const char *name, char hex[static DIGEST_HEX_SIZE], struct error *err) {
    AUTO_DIGEST struct digest *digest = NULL;
    AUTO_FREE uint8_t *chunk = malloc(128 << 10);
    if (!chunk || digest_begin(&digest))
        return error_oom(err, "computing a digest");
    off_t offset = 0;
    for (;;) {
        ssize_t got = pread(fd, chunk, 128 << 10, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_io(err, errno, "can't read %s", name);
        if (got == 0)
            break;
        if (digest_update(digest, chunk, (size_t)got))
            return error_oom(err, "computing a digest");
        offset += got;
    }
    return digest_end(STEAL(digest), hex) ? error_oom(err, "computing a digest") : 0;
}
