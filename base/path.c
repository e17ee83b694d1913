#include "base/path.h"

#include <string.h>

bool path_is_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && path[length] == '/';
}

bool path_is_in(const char *path, const char *folder) {
    return !strcmp(path, folder) || path_is_below(path, folder);
}
