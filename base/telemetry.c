#include "base/telemetry.h"

#include <stdio.h>
#include <string.h>

#define VALUE_MAX 128

static void append(struct telemetry *event, const char *text) {
    if (!event->failed)
        event->failed = buffer_append_string(&event->line, text);
}

static bool is_plain(unsigned char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("._+:/-", byte));
}

/* An encoded byte is never cut in half: what does not fit is left out. */
static void append_value(struct telemetry *event, const char *value) {
    char encoded[VALUE_MAX + 1];
    size_t used = 0;
    for (; *value; value++) {
        unsigned char byte = (unsigned char)*value;
        size_t needed = is_plain(byte) ? 1 : 3;
        if (used + needed > VALUE_MAX)
            break;
        if (needed == 1)
            encoded[used] = (char)byte;
        else
            snprintf(encoded + used, 4, "%%%02X", byte);
        used += needed;
    }
    encoded[used] = '\0';
    append(event, encoded);
}

void telemetry_begin(struct telemetry *event, const char *tag, const char *name) {
    *event = (struct telemetry){0};
    append_value(event, tag ? tag : "PREBAKE");
    telemetry_add(event, "event", name);
}

void telemetry_add(struct telemetry *event, const char *key, const char *value) {
    append(event, " ");
    append(event, key);
    append(event, "=");
    append_value(event, value ? value : "");
}

void telemetry_add_number(struct telemetry *event, const char *key, long long value) {
    char text[24];
    snprintf(text, sizeof text, "%lld", value);
    telemetry_add(event, key, text);
}

void telemetry_add_bool(struct telemetry *event, const char *key, bool value) {
    telemetry_add(event, key, value ? "true" : "false");
}

const char *telemetry_line(const struct telemetry *event) {
    return event->failed ? NULL : buffer_string(&event->line);
}

int telemetry_print(const struct telemetry *event, struct error *err) {
    const char *line = telemetry_line(event);
    if (!line)
        return error_oom(err, "printing the result");
    puts(line);
    return 0;
}

void telemetry_release(struct telemetry *event) {
    buffer_release(&event->line);
}
