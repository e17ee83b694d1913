#include "kmod/lifecycle/safe_name.h"

#include <limits.h>
#include <string.h>

static bool is_dots(const char *name, size_t size) {
    return (size == 1 && name[0] == '.') || (size == 2 && name[0] == '.' && name[1] == '.');
}

bool safe_name(const char *name) {
    size_t size = strnlen(name, NAME_MAX + 1);
    if (size == 0 || size > NAME_MAX || is_dots(name, size))
        return false;
    for (size_t i = 0; i < size; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
            return false;
    return true;
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
