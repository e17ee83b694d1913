#include "kmod/system/os_release.h"

#include <string.h>

#include "base/file.h"
#include "base/keyvalue.h"

#define OS_RELEASE_MAX (64U << 10)

static int read_values(const struct root *root, struct keyvalue *values, struct error *err) {
    static const char *const places[] = {"/etc/os-release", "/usr/lib/os-release"};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        struct stat st;
        if (root_stat_following(root, places[i], &st))
            continue;
        AUTO_BUFFER struct buffer text = {0};
        int rc = file_read_following(root, places[i], OS_RELEASE_MAX, &text, err);
        return rc ? rc
                  : keyvalue_parse(buffer_string(&text), text.size, places[i], false, values, err);
    }
    return 0;
}

static int add_words(struct strlist *words, const char *text) {
    static const char blank[] = " \t";
    for (text += strspn(text, blank); *text; text += strspn(text, blank)) {
        size_t length = strcspn(text, blank);
        if (strlist_addf(words, "%.*s", (int)length, text))
            return -ENOMEM;
        text += length;
    }
    return 0;
}

int os_release_identifiers(const struct root *root, struct strlist *identifiers,
                           struct error *err) {
    static const char *const keys[] = {"ID", "ID_LIKE"};
    AUTO_KEYVALUE struct keyvalue values = {0};
    int rc = read_values(root, &values, err);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(keys); i++) {
        const char *value = keyvalue_get(&values, keys[i]);
        if (value && add_words(identifiers, value))
            rc = error_oom(err, "reading os-release");
    }
    return rc;
}
