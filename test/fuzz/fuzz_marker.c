/* Any bytes as a marker: no crash, and what is taken could safely enter a path. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/lifecycle/marker.h"

static void check(const struct marker *marker) {
    const char *values[] = {marker->kernel, marker->driver_version, marker->driver_kind,
                            marker->arch,   marker->module,         marker->manifest_sha256};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        if (!values[i] || strpbrk(values[i], "/ \n\r\t") || !strncmp(values[i], "..", 2))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int own = 0; own < 2; own++) {
        AUTO_MARKER struct marker marker = {0};
        struct error err = {0};
        if (!marker_parse((const char *)data, size, "fuzz", own, &marker, &err))
            check(&marker);
        else if (err.kind == ERROR_NONE || !*err.text)
            abort();
    }
    return 0;
}
