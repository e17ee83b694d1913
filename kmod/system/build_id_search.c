#include "kmod/system/build_id_search.h"

#include <string.h>

static int digit_value(char digit) {
    static const char digits[] = "0123456789abcdef";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool parse(const char *hex, struct build_id *id) {
    size_t length = strlen(hex);
    id->size = length / 2;
    if (length % 2 || id->size < BUILD_ID_SEARCH_BYTES_MIN || id->size > sizeof id->bytes)
        return false;
    for (size_t i = 0; i < id->size; i++) {
        int high = digit_value(hex[2 * i]), low = digit_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        id->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int build_id_search_add(struct build_id_search *search, const char *hex) {
    struct build_id id;
    if (!parse(hex, &id))
        return 0;
    struct build_id *ids = reallocarray(search->ids, search->count + 1, sizeof *ids);
    if (!ids)
        return -ENOMEM;
    search->ids = ids;
    ids[search->count++] = id;
    return 0;
}

static bool is_in(const struct build_id_search *search, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < search->count; i++)
        if (memmem(data, size, search->ids[i].bytes, search->ids[i].size))
            return true;
    return false;
}

int build_id_search_run(const struct build_id_search *search, byte_source source, void *context,
                        bool *found, struct error *err) {
    *found = false;
    AUTO_FREE struct byte_stream *stream = malloc(sizeof *stream);
    if (!stream)
        return error_oom(err, "looking for build ids");
    byte_stream_begin(stream, source, context, 0);
    for (;;) {
        const uint8_t *data;
        size_t size;
        int rc = byte_stream_peek(stream, BYTE_STREAM_BLOCK, &data, &size, err);
        *found = !rc && is_in(search, data, size);
        if (rc || *found || size < BYTE_STREAM_BLOCK)
            return rc;
        /* One may begin in this block and end in the next. */
        byte_stream_take(stream, size - BUILD_ID_SEARCH_BYTES_MAX);
    }
}

void build_id_search_release(struct build_id_search *search) {
    free(search->ids);
    *search = (struct build_id_search){0};
}
