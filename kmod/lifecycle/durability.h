/* What was changed is on disk before the state says so. */
#ifndef KMOD_DURABILITY_H
#define KMOD_DURABILITY_H

#include "base/error.h"
#include "base/root.h"

/*
 * One syncfs(2) for each file system that a bake or a teardown may have changed: those of "/",
 * /usr, /lib/modules, /var and the state folder, each once however many of them it holds.
 */
int durability_sync(const struct root *root, struct error *err) MUST_CHECK;

/*
 * The same without the state folder's own: what was changed there is in its journal before the word
 * that is published next. Nothing to do where all is on one file system.
 */
int durability_sync_others(const struct root *root, struct error *err) MUST_CHECK;

#endif
