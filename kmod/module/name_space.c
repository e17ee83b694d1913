#include "kmod/module/name_space.h"

#include <string.h>

#define LIST_PREFIX "module:"

bool name_space_is_list(const char *name_space) {
    return strncmp(name_space, LIST_PREFIX, strlen(LIST_PREFIX)) == 0;
}

/* The kernel takes '-' and '_' in module names for the same. */
static char fold(char c) {
    return c == '-' ? '_' : c;
}

/* `pattern` is one item of the list; a '*' at its end stands for anything. */
static bool matches(const char *pattern, size_t length, const char *module) {
    bool open_ended = length > 0 && pattern[length - 1] == '*';
    if (open_ended)
        length--;
    for (size_t i = 0; i < length; i++)
        if (!module[i] || fold(pattern[i]) != fold(module[i]))
            return false;
    return open_ended || !module[length];
}

static bool list_names(const char *list, const char *module) {
    while (*list) {
        size_t length = strcspn(list, ",");
        if (matches(list, length, module))
            return true;
        list += length + (list[length] == ',');
    }
    return false;
}

bool name_space_is_open(const char *name_space, const char *module, const struct modinfo *modinfo) {
    if (!*name_space)
        return true;
    if (name_space_is_list(name_space))
        return list_names(name_space + strlen(LIST_PREFIX), module);
    return modinfo_has(modinfo, "import_ns", name_space);
}
