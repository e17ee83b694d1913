/* NVIDIA GPUs of this machine, as the kernel lists PCI devices, and whether modules are for them.
 */
#ifndef KMOD_NVIDIA_GPUS_H
#define KMOD_NVIDIA_GPUS_H

#include "base/error.h"
#include "base/strlist.h"

/*
 * Adds the modalias of every device of NVIDIA's (10de) that is a display controller (class 03)
 * below `sysfs` ("/sys", a path of this machine):
 *
 *     pci:v000010DEd00001DB1sv000010DEsd00001212bc03sc02i00
 *
 * No such folder, or a device that goes away meanwhile, is none.
 */
int nvidia_gpus_list(const char *sysfs, struct strlist *gpus, struct error *err) MUST_CHECK;

/*
 * The first of `gpus` that none of a driver's `aliases` (patterns, "pci:v000010DEd*…") matches, as
 * modprobe matches them; NULL when there is none. Owned by `gpus`.
 */
const char *nvidia_gpus_unsupported(const struct strlist *gpus, const struct strlist *aliases);

#endif
