/*
 * One line per event: `TAG event=NAME key=value …`. A value may hold [A-Za-z0-9._+:/-], at most
 * 128 of them; any other byte is percent-encoded, so that nothing found in a file can forge a line.
 */
#ifndef BASE_TELEMETRY_H
#define BASE_TELEMETRY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

struct telemetry {
    struct buffer line;
    int failed; /* −ENOMEM of an earlier call, kept until telemetry_line() */
};

/* Begins the line. `tag` NULL is "PREBAKE". */
void telemetry_begin(struct telemetry *event, const char *tag, const char *name);
void telemetry_add(struct telemetry *event, const char *key, const char *value); /* NULL is "" */
void telemetry_add_number(struct telemetry *event, const char *key, long long value);
void telemetry_add_bool(struct telemetry *event, const char *key, bool value);
/* The finished line without a newline, or NULL when memory ran out. Owned by `event`. */
const char *telemetry_line(const struct telemetry *event);
/* Prints the finished line on standard output. −ENOMEM when a part of it could not be kept. */
int telemetry_print(const struct telemetry *event, struct error *err) MUST_CHECK;
void telemetry_release(struct telemetry *event);
#define AUTO_TELEMETRY AUTO(telemetry_release)

#endif
