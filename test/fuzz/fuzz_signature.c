/*
 * Arbitrary bytes as the end of a module: the trailer, and what stands before it as a CMS message.
 * The first byte says whether the trailer is the input's or one that fits.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/module/signature.h"
#include "kmod/module/signature_trailer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is found lies inside the bytes. */
static void check_trailer(const struct buffer *module) {
    struct signature_trailer trailer;
    struct error err = {0};
    if (signature_trailer_find(module->data, module->size, &trailer, &err)) {
        if (err.kind != ERROR_DAMAGED || !*err.text)
            abort();
        return;
    }
    size_t behind = trailer.present ? SIGNATURE_TRAILER_SIZE : 0;
    if (trailer.elf_size > module->size ||
        trailer.elf_size + trailer.der_size + behind != module->size)
        abort();
}

static void check_message(const struct buffer *module) {
    AUTO_SIGNATURE_INFO struct signature_info info = {.signer = NULL};
    struct error err = {0};
    int rc = signature_read(module->data, module->size, &info, &err);
    if (rc == 0 && (!info.signer || !info.key_id || !info.hash))
        abort();
    if (rc && rc != -ENOENT && err.kind != ERROR_DAMAGED)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_BUFFER struct buffer module = {0};
    uint8_t trailer[SIGNATURE_TRAILER_SIZE];
    if (size == 0)
        return 0;
    signature_trailer_write((uint32_t)(size - 1), trailer);
    bool fitting = data[0] & 1;
    if (buffer_append(&module, "ELF object", 10) || buffer_append(&module, data + 1, size - 1) ||
        (fitting && buffer_append(&module, trailer, sizeof trailer)))
        abort();
    check_trailer(&module);
    check_message(&module);
    return 0;
}
