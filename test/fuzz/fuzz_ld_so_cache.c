/*
 * Arbitrary bytes as /etc/ld.so.cache. For libFuzzer:
 *
 *     clang -fsanitize=fuzzer,address,undefined … test/fuzz/fuzz_ld_so_cache.c
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kmod/system/ld_so_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_STRLIST struct strlist libraries = {0};
    struct error err = {0};
    int rc = ld_so_cache_parse(data, size, "ld.so.cache", &libraries, &err);
    if (rc && err.kind != ERROR_DAMAGED)
        abort();
    for (size_t i = 0; i < libraries.count; i++)
        if (strlen(libraries.items[i]) >= PATH_MAX)
            abort();
    return 0;
}
