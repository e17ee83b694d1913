#include "kmod/lifecycle/safe_name.h"

#include <limits.h>
#include <string.h>

#include "base/digest.h"
#include "kmod/system/path_component.h"

static bool is_dots(const char *name, size_t size) {
    return (size == 1 && name[0] == '.') || (size == 2 && name[0] == '.' && name[1] == '.');
}

bool safe_name(const char *name) {
    return path_component_check(name, "name", NULL) == 0;
}

bool safe_name_path(const char *path) {
    if (strnlen(path, PATH_MAX) >= PATH_MAX || path[0] != '/')
        return false;
    while (*path == '/') {
        path++;
        size_t size = strcspn(path, "/");
        if (size == 0 || size > NAME_MAX || is_dots(path, size))
            return false;
        path += size;
    }
    return true;
}

bool safe_name_sha256(const char *text) {
    return strnlen(text, DIGEST_HEX_SIZE) == DIGEST_HEX_SIZE - 1 &&
           text[strspn(text, "0123456789abcdef")] == '\0';
}
