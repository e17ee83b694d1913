#include "kmod/lifecycle/marker.h"

#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "base/keyvalue.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/trusted_file.h"

static bool is_version(const char *value) {
    return value[strspn(value, "0123456789.")] == '\0' && safe_name(value);
}

/* In the order they are written. A value is "" or what `fits` takes. */
static const struct marker_key {
    const char *key;
    size_t offset;
    bool legacy; /* other tools' markers have it too */
    bool (*fits)(const char *value);
    const char *shape;
} keys[] = {
    {"kernel", offsetof(struct marker, kernel), true, safe_name, "one word without '/'"},
    {"driver_version", offsetof(struct marker, driver_version), true, is_version,
     "digits and dots"},
    {"driver_kind", offsetof(struct marker, driver_kind), true, safe_name, "one word without '/'"},
    {"arch", offsetof(struct marker, arch), true, safe_name, "one word without '/'"},
    {"module", offsetof(struct marker, module), false, safe_name, "one word without '/'"},
    {"manifest_sha256", offsetof(struct marker, manifest_sha256), false, safe_name_sha256,
     "64 hexadecimal digits"},
};

static char **value_of(struct marker *marker, const struct marker_key *key) {
    return (char **)(void *)((char *)marker + key->offset);
}

static int check_value(const struct marker_key *key, const char *value, const char *name,
                       struct error *err) {
    if (!*value || key->fits(value))
        return 0;
    return error_set(err, ERROR_REFUSED, EINVAL,
                     "%s: the value of %s is not %s; nothing was touched", name, key->key,
                     key->shape);
}

/* A newer format may mean anything by its keys, so it is not looked at further. */
static int check_format(const struct keyvalue *values, const char *name, struct error *err) {
    const char *format = keyvalue_get(values, "format");
    if (!format || format[strspn(format, "0123456789")] || strtoul(format, NULL, 10) == 0)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s has no format= with a number", name);
    if (strtoul(format, NULL, 10) > MARKER_FORMAT)
        return error_set(err, ERROR_REFUSED, EPROTONOSUPPORT,
                         "%s has format %.20s, this program knows up to %d: use the prebake-node "
                         "that made it; nothing was touched",
                         name, format, MARKER_FORMAT);
    return 0;
}

static int take_value(const struct keyvalue *values, const struct marker_key *key, bool own,
                      const char *name, struct marker *marker, struct error *err) {
    const char *value = own || key->legacy ? keyvalue_get(values, key->key) : NULL;
    int rc = check_value(key, value ? value : "", name, err);
    if (rc)
        return rc;
    char **place = value_of(marker, key);
    *place = strdup(value ? value : "");
    return *place ? 0 : error_oom(err, "reading the marker");
}

int marker_parse(const char *text, size_t size, const char *name, bool own, struct marker *marker,
                 struct error *err) {
    AUTO_KEYVALUE struct keyvalue values = {0};
    AUTO_MARKER struct marker fresh = {0};
    int rc = keyvalue_parse(text, size, name, true, &values, err);
    if (!rc && own)
        rc = check_format(&values, name, err);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(keys); i++)
        rc = take_value(&values, &keys[i], own, name, &fresh, err);
    if (rc)
        return rc;
    *marker = fresh;
    fresh = (struct marker){0};
    return 0;
}

static int read_at(const struct root *root, const char *path, bool own, struct marker *marker,
                   struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    int rc = trusted_file_read(root, path, MARKER_SIZE_MAX, &text, err);
    if (rc)
        return rc;
    AUTO_FREE char *shown = root_host_path(root, path);
    if (!shown)
        return error_oom(err, "reading the marker");
    return marker_parse(buffer_string(&text), text.size, shown, own, marker, err);
}

int marker_read(const struct root *root, struct marker *marker, struct error *err) {
    return read_at(root, STATE_FOLDER_MARKER, true, marker, err);
}

int marker_read_legacy(const struct root *root, const char *path, struct marker *marker,
                       struct error *err) {
    return read_at(root, path, false, marker, err);
}

static int append_lines(const struct marker *marker, bool own, struct buffer *out,
                        struct error *err) {
    struct marker values = *marker;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *value = *value_of(&values, &keys[i]);
        if (!own && !keys[i].legacy)
            continue;
        int rc = check_value(&keys[i], value ? value : "", "the marker to write", err);
        if (rc)
            return rc;
        if (buffer_printf(out, "%s=%s\n", keys[i].key, value ? value : ""))
            return error_oom(err, "writing the marker");
    }
    return 0;
}

int marker_format_compat(const struct marker *marker, struct buffer *out, struct error *err) {
    return append_lines(marker, false, out, err);
}

int marker_write(const struct root *root, const struct marker *marker, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    if (buffer_printf(&text, "format=%d\n", MARKER_FORMAT))
        return error_oom(err, "writing the marker");
    int rc = append_lines(marker, true, &text, err);
    if (rc)
        return rc;
    const struct file_meta meta = FILE_META_DURABLE;
    return file_publish(root, STATE_FOLDER_MARKER, text.data, text.size, &meta, err);
}

bool marker_matches(const char *baked, const char *wanted) {
    return baked && wanted && *baked && !strcmp(baked, wanted);
}

void marker_release(struct marker *marker) {
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        free(*value_of(marker, &keys[i]));
    *marker = (struct marker){0};
}
