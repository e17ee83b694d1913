/* File names of kernel modules. */
#ifndef KMOD_MODULE_NAME_H
#define KMOD_MODULE_NAME_H

#include <stddef.h>

/*
 * How much of the file name `name` stands before ".ko", ".ko.gz", ".ko.xz" or ".ko.zst", the
 * endings that a kernel or depmod reads; 0 when it is no module's ("foo.ko.bak", ".ko").
 */
size_t module_name_stem(const char *name);

/* The module's name as the kernel has it, from its file's: "…/nvidia-drm.ko.xz" → nvidia_drm. The
 * caller frees; NULL when out of memory. */
char *module_name_in_kernel(const char *path);

#endif
