/* The facts as JSON (facts_fields.h shows it). */
#ifndef KMOD_FACTS_WRITE_H
#define KMOD_FACTS_WRITE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/*
 * Publishes the facts in the state folder (0644). NULL strings are written as "". ERROR_REFUSED
 * naming the key for a value that facts_read() would not take back.
 */
int facts_write(const struct root *root, const struct facts *facts, struct error *err) MUST_CHECK;

/* Appends the text that facts_write() publishes. */
int facts_format(const struct facts *facts, struct buffer *out, struct error *err) MUST_CHECK;

#endif
