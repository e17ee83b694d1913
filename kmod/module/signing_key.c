#include "kmod/module/signing_key.h"

#include <stdbool.h>
#include <string.h>

#include "kmod/module/cms.h"
#include "kmod/module/secret.h"
#include "kmod/module/sign_file.h"
#include "kmod/module/token_uri.h"

struct signing_key {
    struct cms_identity *identity;
    /* For a key in a token: what sign-file is given. */
    char *token; /* the URI without a PIN, NULL when the key is a file */
    char *certificate;
    char *sign_file;
    struct secret pin;
};

/* From the file if one is named, else from the environment, else none. */
static int load_passphrase(const char *path, struct secret *passphrase, struct error *err) {
    const char *pin = getenv("KBUILD_SIGN_PIN");
    if (!path)
        return pin && secret_copy(pin, passphrase) ? error_oom(err, "reading a passphrase") : 0;
    int rc = secret_read(path, "passphrase file", passphrase, err);
    if (rc)
        return rc;
    if (passphrase->size > 0 && passphrase->data[passphrase->size - 1] == '\n')
        passphrase->data[passphrase->size - 1] = '\0';
    return 0;
}

static int load_key_file(struct signing_key *key, const struct signing_key_source *source,
                         struct error *err) {
    AUTO_SECRET struct secret pem = {0}, passphrase = {0};
    int rc = secret_read(source->key, "key", &pem, err);
    if (!rc)
        rc = load_passphrase(source->passphrase_path, &passphrase, err);
    if (rc)
        return rc;
    return cms_identity_add_key(key->identity, pem.data, pem.size, source->key, passphrase.data,
                                err);
}

/* sign-file runs in another directory, so it gets absolute paths. */
static int absolute(const char *path, char **out, struct error *err) {
    *out = realpath(path, NULL);
    return *out ? 0
                : error_set(err, ERROR_SIGNING, errno, "can't find %s: %s", path, strerror(errno));
}

/* The PIN in the URI comes before one from elsewhere. */
static int load_token(struct signing_key *key, const struct signing_key_source *source,
                      struct error *err) {
    int rc = load_passphrase(source->passphrase_path, &key->pin, err);
    if (rc)
        return rc;
    if (token_uri_take_pin(source->key, &key->token, &key->pin))
        return error_oom(err, "loading a key");
    if (!source->sign_file)
        return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                         "the key %s needs the kernel's sign-file, and none is named", key->token);
    rc = absolute(source->sign_file, &key->sign_file, err);
    return rc ? rc : absolute(source->certificate, &key->certificate, err);
}

int signing_key_load(const struct signing_key_source *source, struct signing_key **out,
                     struct error *err) {
    AUTO_SIGNING_KEY struct signing_key *key = calloc(1, sizeof *key);
    if (!key)
        return error_oom(err, "loading a key");
    int rc = cms_identity_load(source->certificate, &key->identity, err);
    if (rc)
        return rc;
    rc = token_uri_is(source->key) ? load_token(key, source, err) : load_key_file(key, source, err);
    if (!rc)
        rc = cms_identity_check_key(key->identity, key->token ? key->token : source->key, err);
    if (rc)
        return rc;
    *out = STEAL(key);
    return 0;
}

void signing_key_free(struct signing_key **key) {
    if (!*key)
        return;
    cms_identity_free(&(*key)->identity);
    free((*key)->token);
    free((*key)->certificate);
    free((*key)->sign_file);
    secret_release(&(*key)->pin);
    free(*key);
    *key = NULL;
}

const char *signing_key_signer(const struct signing_key *key) {
    return cms_identity_name(key->identity);
}

/* Another program's work, so all of it is verified. */
static int sign_in_token(const struct signing_key *key, const char *hash, const void *data,
                         size_t size, struct buffer *der, struct error *err) {
    const struct sign_file spec = {
        .program = key->sign_file,
        .key = key->token,
        .certificate = key->certificate,
        .pin = key->pin.data,
    };
    AUTO_BUFFER struct buffer made = {0};
    int rc = sign_file_run(&spec, hash, data, size, &made, err);
    if (!rc)
        rc = cms_verify(key->identity, data, size, made.data, made.size, err);
    if (rc)
        return rc;
    return buffer_append(der, made.data, made.size) ? error_oom(err, "signing") : 0;
}

int signing_key_sign(const struct signing_key *key, const char *hash, const void *data, size_t size,
                     struct buffer *der, struct error *err) {
    return key->token ? sign_in_token(key, hash, data, size, der, err)
                      : cms_sign(key->identity, hash, data, size, der, err);
}
