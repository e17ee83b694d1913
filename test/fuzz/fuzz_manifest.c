/* Any bytes as a manifest: no crash, and what is taken is written and read back the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/lifecycle/manifest_read.h"
#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/safe_name.h"

static void check_entries(const struct manifest *manifest) {
    for (size_t i = 0; i < manifest->count; i++)
        if (!safe_name_path(manifest->entries[i].path) ||
            (i && strcmp(manifest->entries[i - 1].path, manifest->entries[i].path) >= 0))
            abort();
}

static void check_round_trip(struct manifest *manifest) {
    AUTO_MANIFEST struct manifest again = {0};
    AUTO_BUFFER struct buffer text = {0}, second = {0};
    struct error err = {0};
    if (manifest_format(manifest, &text, &err) ||
        manifest_parse(buffer_string(&text), text.size, "again", &again, &err) ||
        manifest_format(&again, &second, &err))
        abort();
    if (again.count != manifest->count || text.size != second.size ||
        memcmp(text.data, second.data, text.size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_MANIFEST struct manifest manifest = {0};
    struct error err = {0};
    if (!manifest_parse((const char *)data, size, "fuzz", &manifest, &err)) {
        check_entries(&manifest);
        check_round_trip(&manifest);
    } else if (err.kind == ERROR_NONE || !*err.text) {
        abort();
    }
    return 0;
}
