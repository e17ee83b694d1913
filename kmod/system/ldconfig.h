/* What the real ldconfig writes for a root. */
#ifndef KMOD_LDCONFIG_H
#define KMOD_LDCONFIG_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

#define LDCONFIG_SIZE_MAX ((size_t)64 << 20) /* of a cache; a full desktop's is 0.2 MB */

/*
 * Runs ldconfig for the root as it is now and appends the cache that it writes to `cache`; nothing
 * in place is changed: it makes no links (-X: they are somebody's files), does not believe its own
 * record of what it read before (-i), and what it writes down of this run is taken back.
 * `store` is a private directory inside the root; "<store>/ldconfig" stands in it meanwhile.
 * ERROR_DEPENDENCY: no ldconfig on this machine. ERROR_NO_SPACE, ERROR_DAMAGED: it failed; its
 * words are in the sentence.
 */
int ldconfig_run(const struct root *root, const char *store, struct buffer *cache,
                 struct error *err) MUST_CHECK;

/*
 * The same as if the files `hidden`, canonical paths inside the root, were not there: in a mount
 * namespace in which they are empty. −EPERM (ERROR_REFUSED) where there are no namespaces to be
 * had.
 */
int ldconfig_run_without(const struct root *root, const char *store, const struct strlist *hidden,
                         struct buffer *cache, struct error *err) MUST_CHECK;

/* Takes back what a run that was killed left. Nothing left is nothing to do. */
int ldconfig_settle(const struct root *root, const char *store, struct error *err) MUST_CHECK;

#endif
