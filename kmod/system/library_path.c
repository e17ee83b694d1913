#include "kmod/system/library_path.h"

#include <string.h>

#include "base/buffer.h"

/* The length of the token that `text` begins with, 0 when it is another one. */
static size_t origin_token(const char *text) {
    static const char *const tokens[] = {"${ORIGIN}", "$ORIGIN"};
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
        if (!strncmp(text, tokens[i], strlen(tokens[i])))
            return strlen(tokens[i]);
    return 0;
}

static int add_folder(const char *entry, size_t size, const char *origin, struct strlist *folders) {
    AUTO_FREE char *text = strndup(entry, size);
    AUTO_BUFFER struct buffer folder = {0};
    if (!text)
        return -ENOMEM;
    for (const char *at = text; *at;) {
        size_t plain = strcspn(at, "$");
        if (buffer_append(&folder, at, plain))
            return -ENOMEM;
        at += plain;
        size_t token = *at ? origin_token(at) : 0;
        if (*at && token == 0)
            return 0;
        if (*at && buffer_append_string(&folder, origin))
            return -ENOMEM;
        at += token;
    }
    const char *path = buffer_string(&folder);
    return *path == '/' ? strlist_add(folders, path) : 0;
}

int library_path_folders(const char *list, const char *origin, struct strlist *folders) {
    int rc = 0;
    for (const char *at = list; !rc && at && *at;) {
        size_t size = strcspn(at, ":");
        rc = add_folder(at, size, origin, folders);
        at += size;
        at += *at == ':';
    }
    return rc;
}
