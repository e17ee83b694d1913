/* Modules of the bake that are loaded in the running kernel. Other roots than "/" have none. */
#ifndef KMOD_RESIDENT_H
#define KMOD_RESIDENT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/*
 * Whether a module of ours is loaded. The build id of the loaded module tells: a customer's build
 * of the same name and version has another.
 */
bool resident_any(const struct root *root, const struct facts *facts);

/* ERROR_BUSY naming who uses a loaded module of ours that could not be unloaded now. */
int resident_peek(const struct root *root, const struct facts *facts, struct error *err) MUST_CHECK;

/*
 * Unloads our loaded modules, holders first, never forced. ERROR_BUSY naming the first that stayed
 * and why.
 */
int resident_unload(const struct root *root, const struct facts *facts,
                    struct error *err) MUST_CHECK;

#endif
