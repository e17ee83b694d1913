#include "kmod/system/module_name.h"

#include <string.h>

#include "base/cleanup.h"

size_t module_name_stem(const char *name) {
    static const char *const suffixes[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
    size_t length = strlen(name);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && !strcmp(name + length - suffix, suffixes[i]))
            return length - suffix;
    }
    return 0;
}

char *module_name_in_kernel(const char *path) {
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    char *name = strndup(file, module_name_stem(file));
    for (char *at = name; at && *at; at++)
        if (*at == '-')
            *at = '_';
    return name;
}
