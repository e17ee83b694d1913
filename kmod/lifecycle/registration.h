/* What the rest of the system knows of a bake: DKMS and the module index. */
#ifndef KMOD_REGISTRATION_H
#define KMOD_REGISTRATION_H

#include <stdbool.h>

#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/* DKMS has the bake's name and version as built or installed for one of its kernels. */
bool registration_present(const struct root *root, const struct facts *facts);

/* Whether modprobe resolves all (`all`) or any of the bake's modules, in every kernel it is for. */
bool registration_resolves(const struct root *root, const struct facts *facts, bool all);

/* Whether modprobe resolves all of the bake's modules in that kernel. */
bool registration_resolves_in(const struct root *root, const struct facts *facts,
                              const char *kernel);

#endif
