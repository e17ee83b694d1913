#include "kmod/lifecycle/facts_value.h"

#include <stdio.h>
#include <string.h>

int facts_value_damaged(const struct facts_value *object, const char *key, struct error *err) {
    char number[24] = "";
    if (object->number)
        snprintf(number, sizeof number, "[%zu]", object->number - 1);
    return error_set(err, ERROR_DAMAGED, EBADMSG,
                     "%s: \"%s%s%s%s\" is missing or not what a bake writes there; nothing was "
                     "touched",
                     object->file, object->key ? object->key : "", number,
                     object->key && key ? "." : "", key ? key : "");
}

int facts_value_text(const struct facts_value *object, const char *key, enum facts_text kind,
                     char **text, struct error *err) {
    const char *string = json_string_value(json_object_get(object->json, key));
    if (!string || !facts_fields_fit(kind, string))
        return facts_value_damaged(object, key, err);
    *text = strdup(string);
    return *text ? 0 : error_oom(err, "reading the facts");
}

int facts_value_integer(const struct facts_value *object, const char *key, int64_t *number,
                        struct error *err) {
    const json_t *json = json_object_get(object->json, key);
    if (!json_is_integer(json))
        return facts_value_damaged(object, key, err);
    *number = json_integer_value(json);
    return 0;
}

int facts_value_bool(const struct facts_value *object, const char *key, bool *value,
                     struct error *err) {
    const json_t *json = json_object_get(object->json, key);
    if (!json_is_boolean(json))
        return facts_value_damaged(object, key, err);
    *value = json_is_true(json);
    return 0;
}

/* A value inside an element keeps the element's place: that is what a sentence can name. */
static struct facts_value inside(const struct facts_value *object, const char *key,
                                 const json_t *json) {
    struct facts_value value = *object;
    value.json = json;
    if (!value.key)
        value.key = key;
    return value;
}

int facts_value_object(const struct facts_value *object, const char *key, struct facts_value *value,
                       struct error *err) {
    const json_t *json = json_object_get(object->json, key);
    if (!json_is_object(json))
        return facts_value_damaged(object, key, err);
    *value = inside(object, key, json);
    return 0;
}

int facts_value_array(const struct facts_value *object, const char *key, size_t max,
                      struct facts_value *value, struct error *err) {
    const json_t *json = json_object_get(object->json, key);
    if (!json_is_array(json) || json_array_size(json) > max)
        return facts_value_damaged(object, key, err);
    *value = inside(object, key, json);
    return 0;
}

struct facts_value facts_value_element(const struct facts_value *array, size_t i) {
    struct facts_value element = *array;
    element.json = json_array_get(array->json, i);
    if (!element.number)
        element.number = i + 1;
    return element;
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false when `hex` is not pairs of lower-case digits. */
static bool decode(const char *hex, size_t size, uint8_t *bytes) {
    for (size_t i = 0; i < size; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int facts_value_xattrs(const struct facts_value *holder, const json_t *object, struct xattrs *out,
                       struct error *err) {
    if (!json_is_object(object) || json_object_size(object) > XATTRS_MAX)
        return facts_value_damaged(holder, NULL, err);
    const char *name;
    json_t *json;
    /* The macro takes a pointer to non-const and changes nothing. */
    json_object_foreach((json_t *)(uintptr_t)object, name, json) {
        const char *hex = json_string_value(json);
        const size_t size = json_string_length(json) / 2;
        if (!hex || json_string_length(json) % 2 || size > XATTRS_SIZE_MAX)
            return facts_value_damaged(holder, NULL, err);
        AUTO_FREE uint8_t *bytes = malloc(size + 1);
        if (!bytes)
            return error_oom(err, "reading the facts");
        if (!decode(hex, size, bytes))
            return facts_value_damaged(holder, NULL, err);
        if (xattrs_add(out, name, bytes, size))
            return error_oom(err, "reading the facts");
    }
    return 0;
}
