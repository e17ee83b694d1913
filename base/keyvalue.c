#include "base/keyvalue.h"

#include <string.h>

static int bad_line(struct error *err, const char *name, size_t line, const char *what) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s, line %zu: %s", name, line, what);
}

/* Without the pair of quotes around it, when it has one. */
static void strip_quotes(const char **value, size_t *size) {
    if (*size >= 2 && ((*value)[0] == '"' || (*value)[0] == '\'') &&
        (*value)[*size - 1] == (*value)[0]) {
        (*value)++;
        *size -= 2;
    }
}

static int add_pair(struct keyvalue *out, const char *key, size_t key_size, const char *value,
                    size_t value_size) {
    strip_quotes(&value, &value_size);
    int rc = strlist_addf(&out->keys, "%.*s", (int)key_size, key);
    return rc ? rc : strlist_addf(&out->values, "%.*s", (int)value_size, value);
}

static int parse_line(const char *text, size_t size, const char *name, size_t number, bool unique,
                      struct keyvalue *out, struct error *err) {
    if (size == 0 || text[0] == '#')
        return 0;
    if (size > 1 << 20)
        return bad_line(err, name, number, "is longer than 1 MiB");
    const char *equals = memchr(text, '=', size);
    if (!equals)
        return bad_line(err, name, number, "has no '='");
    size_t key_size = (size_t)(equals - text);
    if (key_size == 0 || text[0] == ' ' || text[0] == '\t' || equals[-1] == ' ' ||
        equals[-1] == '\t')
        return bad_line(err, name, number, "has no key directly before its '='");
    if (add_pair(out, text, key_size, equals + 1, size - key_size - 1))
        return error_oom(err, "reading key=value lines");
    const char *key = out->keys.items[out->keys.count - 1];
    for (size_t i = 0; unique && i + 1 < out->keys.count; i++)
        if (!strcmp(out->keys.items[i], key))
            return bad_line(err, name, number, "repeats an earlier key");
    return 0;
}

int keyvalue_parse(const char *text, size_t size, const char *name, bool unique,
                   struct keyvalue *out, struct error *err) {
    if (size > 0 && memchr(text, '\0', size))
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s holds a NUL byte", name);
    size_t number = 0;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t end = newline ? (size_t)(newline - text) : size;
        int rc = parse_line(text + at, end - at, name, ++number, unique, out, err);
        if (rc)
            return rc;
        at = end + 1;
    }
    return 0;
}

const char *keyvalue_get(const struct keyvalue *values, const char *key) {
    for (size_t i = values->keys.count; i-- > 0;)
        if (!strcmp(values->keys.items[i], key))
            return values->values.items[i];
    return NULL;
}

void keyvalue_release(struct keyvalue *values) {
    strlist_release(&values->keys);
    strlist_release(&values->values);
}
