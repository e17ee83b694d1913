/* Modules of the bake that are loaded in the running kernel. Other roots than "/" have none. */
#ifndef KMOD_RESIDENT_H
#define KMOD_RESIDENT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/known_modules.h"

/*
 * The build id of the loaded module tells ours from a customer's of the same name and version.
 * Where the system tells no build ids at all, and where a module of ours has none, a loaded one of
 * its name (and, in the second case, version) may be ours: it counts as loaded and busy, and is
 * never unloaded.
 */

/* Whether a module of ours is loaded. True as well when that can't be read: nothing is said to be
 * gone that was not looked for. */
bool resident_any(const struct root *root, const struct known_modules *modules);

/* ERROR_BUSY naming what uses a loaded module of ours that could not be unloaded now. */
int resident_peek(const struct root *root, const struct known_modules *modules,
                  struct error *err) MUST_CHECK;

/*
 * Unloads our loaded modules, holders first, never forced. ERROR_BUSY naming those that stayed and
 * why.
 */
int resident_unload(const struct root *root, const struct known_modules *modules,
                    struct error *err) MUST_CHECK;

#endif
