/* Reading the facts back. */
#ifndef KMOD_FACTS_READ_H
#define KMOD_FACTS_READ_H

#include <stddef.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/*
 * −ENOENT without a sentence when there are none. ERROR_REFUSED: the file is not to be trusted
 * (trusted_file.h), or its format is newer. ERROR_DAMAGED: no JSON, or naming the key that is
 * missing, there twice, of another type, out of bounds, or a name that could not safely enter a
 * path. Unknown keys are passed over.
 */
int facts_read(const struct root *root, struct facts *facts, struct error *err) MUST_CHECK;

/* The same for text already in memory; `name` is for the sentences. */
int facts_parse(const char *text, size_t size, const char *name, struct facts *facts,
                struct error *err) MUST_CHECK;

#endif
