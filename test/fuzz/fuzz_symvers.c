/* Arbitrary bytes as a Module.symvers: no crash, and what is taken is found again by its name. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/module/symvers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct export_table *exports) {
    if (export_table_sort(exports) < 0)
        abort();
    for (size_t i = 0; i < exports->count; i++) {
        size_t count = 0;
        const struct export *found = export_table_find(exports, exports->items[i].name, &count);
        if (!found || count == 0 || strcmp(found->name, exports->items[i].name) != 0 ||
            strchr(exports->items[i].owner, '/'))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_SYMVERS struct symvers symvers = {.text = NULL};
    struct error err = {0};
    if (symvers_parse((const char *)data, size, "fuzz", &symvers, &err) == 0)
        check(&symvers.exports);
    else if (err.kind != ERROR_DAMAGED || !*err.text)
        abort();
    return 0;
}
