/* Other drivers for NVIDIA's GPUs, which would bind one first (incident O4). */
#ifndef BUILDER_RIVAL_DRIVERS_H
#define BUILDER_RIVAL_DRIVERS_H

#include "builder/userspace.h"

/*
 * For NVIDIA's modules and a userspace: nouveau and nova_core must be blacklisted, by the userspace
 * or the root. ERROR_REFUSED where one is not and `kernel` has it; where the kernel does not have
 * it, a warning: the next kernel may.
 */
int rival_drivers_check(const struct root *root, const char *kernel,
                        const struct userspace *userspace, struct error *err) MUST_CHECK;

#endif
