#include "kmod/module/signature_trailer.h"

#include <string.h>

/*
 *      | ELF object | CMS message, DER | struct module_signature | magic line |
 *      0        elf_size                                                    size
 *
 *   struct module_signature
 *      byte  0   algo        0  \
 *            1   hash        0   > the CMS message says it
 *            2   id_type     2 = PKCS#7
 *            3   signer_len  0
 *            4   key_id_len  0
 *            5–7 padding     0
 *            8   sig_len     size of the CMS message, big-endian
 */
static const char MAGIC[] = "~Module signature appended~\n";

#define MAGIC_SIZE (sizeof MAGIC - 1)
#define INFO_SIZE 12
#define ID_TYPE_PKCS7 2

_Static_assert(SIGNATURE_TRAILER_SIZE == INFO_SIZE + MAGIC_SIZE, "the two parts of the trailer");

static int damaged(struct error *err, const char *why) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "the appended signature %s", why);
}

int signature_trailer_find(const void *data, size_t size, struct signature_trailer *trailer,
                           struct error *err) {
    static const uint8_t expected[8] = {[2] = ID_TYPE_PKCS7};
    const uint8_t *bytes = data;
    *trailer = (struct signature_trailer){.elf_size = size};
    if (size < MAGIC_SIZE || memcmp(bytes + size - MAGIC_SIZE, MAGIC, MAGIC_SIZE))
        return 0;
    if (size < SIGNATURE_TRAILER_SIZE)
        return damaged(err, "is cut off");
    size_t before = size - SIGNATURE_TRAILER_SIZE;
    const uint8_t *info = bytes + before;
    if (memcmp(info, expected, sizeof expected))
        return damaged(err, "is not of the PKCS#7 type, the only one that kernels take");
    size_t der_size =
        (size_t)info[8] << 24 | (size_t)info[9] << 16 | (size_t)info[10] << 8 | (size_t)info[11];
    if (der_size == 0 || der_size >= before)
        return damaged(err, "has an impossible length");
    *trailer = (struct signature_trailer){
        .present = true, .elf_size = before - der_size, .der_size = der_size};
    return 0;
}

void signature_trailer_write(uint32_t der_size, uint8_t out[static SIGNATURE_TRAILER_SIZE]) {
    const uint8_t info[INFO_SIZE] = {
        [2] = ID_TYPE_PKCS7,
        [8] = (uint8_t)(der_size >> 24),
        [9] = (uint8_t)(der_size >> 16),
        [10] = (uint8_t)(der_size >> 8),
        [11] = (uint8_t)der_size,
    };
    memcpy(out, info, INFO_SIZE);
    memcpy(out + INFO_SIZE, MAGIC, MAGIC_SIZE);
}
