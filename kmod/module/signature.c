#include "kmod/module/signature.h"

#include <stdint.h>

#include "kmod/module/cms.h"
#include "kmod/module/signature_trailer.h"

int signature_find(const void *data, size_t size, size_t *elf_size, struct error *err) {
    struct signature_trailer trailer;
    int rc = signature_trailer_find(data, size, &trailer, err);
    *elf_size = trailer.elf_size;
    return rc;
}

/* A module that was signed twice has a signature before its signature. */
static int find_unsigned(const struct buffer *module, size_t *elf_size, struct error *err) {
    size_t size;
    int rc;
    *elf_size = module->size;
    do {
        size = *elf_size;
        rc = signature_find(module->data, size, elf_size, err);
    } while (!rc && *elf_size < size);
    return rc;
}

int signature_append(struct buffer *module, const struct signing_key *key, const char *hash,
                     struct error *err) {
    size_t elf_size;
    int rc = find_unsigned(module, &elf_size, err);
    if (rc)
        return rc;
    AUTO_BUFFER struct buffer signature = {0};
    rc = signing_key_sign(key, hash, module->data, elf_size, &signature, err);
    if (rc)
        return rc;
    uint8_t trailer[SIGNATURE_TRAILER_SIZE];
    signature_trailer_write((uint32_t)signature.size, trailer);
    if (buffer_append(&signature, trailer, sizeof trailer) ||
        buffer_reserve(module, signature.size))
        return error_oom(err, "signing");
    module->size = elf_size;
    return buffer_append(module, signature.data, signature.size) ? error_oom(err, "signing") : 0;
}

int signature_read(const void *data, size_t size, struct signature_info *info, struct error *err) {
    *info = (struct signature_info){0};
    struct signature_trailer trailer;
    int rc = signature_trailer_find(data, size, &trailer, err);
    if (rc)
        return rc;
    if (!trailer.present)
        return -ENOENT;
    struct cms_description description;
    rc =
        cms_describe((const uint8_t *)data + trailer.elf_size, trailer.der_size, &description, err);
    if (rc)
        return rc;
    *info = (struct signature_info){.signer = description.signer,
                                    .key_id = description.key_id,
                                    .hash = description.hash,
                                    .algorithm = description.algorithm,
                                    .algorithm_known = description.algorithm_known};
    return 0;
}

void signature_info_release(struct signature_info *info) {
    free(info->signer);
    free(info->key_id);
    free(info->hash);
    free(info->algorithm);
    *info = (struct signature_info){0};
}

int signature_check_form(const void *data, size_t size, struct error *err) {
    struct signature_trailer trailer;
    int rc = signature_trailer_find(data, size, &trailer, err);
    if (rc || !trailer.present)
        return rc;
    return cms_check_form((const uint8_t *)data + trailer.elf_size, trailer.der_size, err);
}

int signature_verify_by(const void *data, size_t size, const struct cms_identity *signer,
                        struct error *err) {
    struct signature_trailer trailer;
    int rc = signature_trailer_find(data, size, &trailer, err);
    if (rc)
        return rc;
    if (!trailer.present)
        return error_set(err, ERROR_SIGNING, ENOENT, "it carries no signature");
    return cms_verify(signer, data, trailer.elf_size, (const uint8_t *)data + trailer.elf_size,
                      trailer.der_size, err);
}

int signature_verify(const void *data, size_t size, const char *certificate_path,
                     struct error *err) {
    AUTO_CMS_IDENTITY struct cms_identity *signer = NULL;
    int rc = cms_identity_load(certificate_path, &signer, err);
    return rc ? rc : signature_verify_by(data, size, signer, err);
}
