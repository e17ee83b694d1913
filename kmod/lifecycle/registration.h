/* What DKMS knows of a bake. */
#ifndef KMOD_REGISTRATION_H
#define KMOD_REGISTRATION_H

#include <stdbool.h>

#include "base/root.h"
#include "kmod/lifecycle/facts.h"

/* DKMS has the bake's name and version as built or installed for one of its kernels. */
bool registration_present(const struct root *root, const struct facts *facts);

#endif
